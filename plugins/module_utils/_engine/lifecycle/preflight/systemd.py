# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that systemd can boot in a container on this host: always with cgroups v2, conditionally with v1."""

from __future__ import annotations

from ...errors import HostLacks, InvalidOption
from ...kernel.cgroup import cgroups
from ...model.container import namespaces
from ...model.container.spec import ContainerSpec

_HIERARCHY = "/sys/fs/cgroup/systemd"


def check(spec: ContainerSpec) -> None:
    """Raise InvalidOption or HostLacks if systemd could not boot."""
    version = cgroups.version()
    if version == "v2":
        return
    if spec.cgroupns not in (None, namespaces.HOST):
        raise InvalidOption(
            "cgroupns",
            spec.cgroupns,
            f"hides systemd's own cgroup from it with cgroups {version}",
            remedy="Leave cgroupns out, or use a host with cgroups v2",
        )
    if spec.userns is not None:
        raise HostLacks(
            f"systemd: always conflicts with userns on cgroups {version}: the kernel grants it no writable cgroup",
            remedy="Leave out userns, or use a host with cgroups v2",
            feature="cgroups",
        )
    if cgroups.named("systemd") is None:
        raise HostLacks(
            f"systemd: always needs the name=systemd hierarchy of cgroups {version}, which this host has not mounted",
            remedy=f"Create directory {_HIERARCHY} and mount it: mount -t cgroup -o none,name=systemd cgroup {_HIERARCHY}",
            feature="cgroups",
        )
