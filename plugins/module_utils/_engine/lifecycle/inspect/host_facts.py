# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the host's defaults for containers."""

from __future__ import annotations

from ...errors import HostLacks
from ...kernel.cgroup import cgroups
from ...model.container import namespaces
from ...runtime import host
from .host_config import OfHost


def look() -> OfHost:
    """Return the host's defaults; an unknown one is None."""
    try:
        version = cgroups.version()
    except HostLacks:
        return OfHost(host.capabilities(), None)
    return OfHost(host.capabilities(), namespaces.PRIVATE if version == "v2" else namespaces.HOST)
