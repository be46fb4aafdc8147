# SPDX-License-Identifier: GPL-3.0-or-later
"""The OCI bundle's config.json, built from the user's options, the image and this host's facts.

Pure. Source: OCI runtime-spec 1.0.2 config.md. The modules process, mounts and linux build the parts.
"""

from __future__ import annotations

from typing import Any

from . import linux, mounts, process
from .request import BundleRequest, DeviceNode, HostFacts

__all__ = ["BundleRequest", "DeviceNode", "HostFacts", "build"]

_VERSION = "1.0.2"


def build(request: BundleRequest) -> dict[str, Any]:
    """Return config.json; raises InvalidOption and HostLacks for what the image or this host can't do."""
    root: dict[str, Any] = {"path": request.rootfs}
    if request.spec.read_only:
        root["readonly"] = True
    made: dict[str, Any] = {
        "ociVersion": _VERSION,
        "process": process.build(request),
        "root": root,
        "mounts": mounts.build(request),
        "annotations": dict(request.spec.annotation or {}),
        "linux": linux.build(request),
    }
    # A shared UTS namespace already has a host name, and the runtime would change it for all.
    if not request.shares("uts"):
        made["hostname"] = request.hostname
    return made
