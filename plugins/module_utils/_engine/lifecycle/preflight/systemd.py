# SPDX-License-Identifier: GPL-3.0-or-later
"""Check what systemd in a container needs of the host, which it has with cgroups v2 alone without further ado."""

from __future__ import annotations

from ...errors import HostLacks, InvalidOption
from ...kernel.cgroup import cgroups
from ...model.container import namespaces
from ...model.container.spec import ContainerSpec

_HIERARCHY = "/sys/fs/cgroup/systemd"


def check(spec: ContainerSpec) -> None:
    """Raise InvalidOption or HostLacks for what systemd could not boot with."""
    version = cgroups.version()
    if version == "v2":
        return
    if spec.cgroupns not in (None, namespaces.HOST):
        raise InvalidOption(
            "cgroupns",
            spec.cgroupns,
            f"hides from systemd where it is, with cgroups {version}",
            remedy="Leave it out, or use a host with cgroups v2",
        )
    if spec.userns is not None:
        raise HostLacks(
            f"systemd: always can't have ids of its own with cgroups {version}: the kernel lets it write to no cgroup",
            remedy="Leave out userns, or use a host with cgroups v2",
            feature="cgroups",
        )
    if cgroups.named("systemd") is None:
        raise HostLacks(
            f"systemd: always needs a hierarchy of cgroups {version} that this host has not mounted",
            remedy=f"Make directory {_HIERARCHY} and mount it: mount -t cgroup -o none,name=systemd cgroup {_HIERARCHY}",
            feature="cgroups",
        )
