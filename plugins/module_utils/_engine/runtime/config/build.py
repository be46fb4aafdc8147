# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the OCI bundle's config.json from what the user asked for, the image and this host's facts.

Pure. Source: OCI runtime-spec 1.0.2 config.md. The parts are decided in process, mounts and linux.
"""

from __future__ import annotations

from typing import Any

from . import linux, mounts, process
from .request import BundleRequest, DeviceNode, HostFacts

__all__ = ["BundleRequest", "DeviceNode", "HostFacts", "build"]

_VERSION = "1.0.2"


def build(request: BundleRequest) -> dict[str, Any]:
    """Return config.json; raises InvalidOption and HostLacks for what this image and this host can't do."""
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
    if not request.shares(
        "uts"
    ):  # a shared one has its name already, and the runtime would change it for all
        made["hostname"] = request.hostname
    return made
