# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of this host that a bundle depends on.

Sources: getrlimit(2), proc_pid_status(5), statvfs(3), podman-run(1) ``--device``, ``--privileged``,
``--init``.
"""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator

from ..errors import InvalidOption, Missing
from ..kernel import command
from ..kernel.cgroup import cgroups
from ..model.container.limits import RLIMITS, Device
from ..model.container.spec import ContainerSpec
from ..model.mounts.mount import BIND
from ..model.values.capabilities import CAPABILITIES
from . import apparmor
from .config.request import DeviceNode, HostFacts

#: Init programs that reap zombies as PID 1 and accept ``--``; podman's first.
_INITS = ("catatonit", "tini", "tini-static", "dumb-init")
_INIT_DIRECTORIES = ("/usr/libexec/podman", "/usr/lib/podman")
#: Entries of /dev that the runtime creates in the container, or that are separate mounts there.
_NOT_DEVICES = frozenset({"pts", "shm", "fd", "mqueue", "console"})
#: Mount flags that a bind mount must keep: in a user namespace the kernel refuses to drop them.
_FLAGS = ((os.ST_NOSUID, "nosuid"), (os.ST_NODEV, "nodev"), (os.ST_NOEXEC, "noexec"))


def facts(spec: ContainerSpec) -> HostFacts:
    """Return the facts for the bundle of this spec; raises InvalidOption for an invalid device."""
    status, version = _status(), cgroups.version()
    return HostFacts(
        rlimits=_rlimits(),
        capabilities=_bounding(status.get("CapBnd", "0")),
        cgroup_version=version,
        seccomp="Seccomp" in status,
        architecture=os.uname().machine,
        devices=dict(_devices(spec)),
        init_path=(spec.init_path or _init()) if spec.init else None,
        bind_flags={
            item.source: _flags(item.source) for item in (spec.mounts or {}).values() if item.kind == BIND
        },
        apparmor=apparmor.is_enabled(),
        apparmor_default=apparmor.default(),
        swap_limit=counts_swap(version),
        mqueue=os.path.isdir("/dev/mqueue"),
        most_files=_most_files(),
        systemd_hierarchy=None if version == "v2" else cgroups.named("systemd"),
    )


def _status() -> dict[str, str]:
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        pairs = (line.partition(":") for line in file)
        return {name: value.strip() for name, _colon, value in pairs}


def capabilities() -> frozenset[str]:
    """Return all capabilities that this host can grant."""
    return _bounding(_status().get("CapBnd", "0"))


def _bounding(mask: str) -> frozenset[str]:
    bits = int(mask, 16)
    return frozenset(name for number, name in enumerate(CAPABILITIES) if bits >> number & 1)


def _rlimits() -> dict[str, tuple[int, int]]:
    known = {name: getattr(resource, f"RLIMIT_{name.upper()}", None) for name in RLIMITS}
    return {name: resource.getrlimit(number) for name, number in known.items() if number is not None}


def _most_files() -> int:
    with open("/proc/sys/fs/nr_open", encoding="ascii") as stream:
        return int(stream.read(32))


def _init() -> str | None:
    found = (command.find_program(name, extra=_INIT_DIRECTORIES) for name in _INITS)
    return next(filter(None, found), None)


def _flags(path: str) -> tuple[str, ...]:
    try:
        mask = os.statvfs(path).f_flag
    except OSError:
        return ()
    return tuple(name for flag, name in _FLAGS if mask & flag)


def counts_swap(version: str) -> bool:
    """Return whether the kernel can limit swap; ``version`` is the cgroup version."""
    # On v1 the file is missing unless swap accounting is enabled (swapaccount=1); v2 always accounts for
    # swap.
    return version == "v2" or os.path.exists("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes")


def _devices(spec: ContainerSpec) -> Iterator[tuple[str, DeviceNode]]:
    """Yield destination and node: all of the host's if privileged, then those of the option ``device``."""
    if spec.privileged:
        yield from _below("/dev", "/dev", "rwm")
    for device in (spec.device or {}).values():
        yield from _asked(device)


def _asked(device: Device) -> Iterator[tuple[str, DeviceNode]]:
    """Yield the device; for a directory, such as /dev/snd, all devices below it."""
    if os.path.isdir(device.source):
        found = tuple(_below(device.source, device.destination, device.permissions))
        if not found:
            raise Missing("device", device.source, "is a directory that contains no devices")
        yield from found
        return
    node = _node(device.source, device.permissions, follow=True)
    if node is None:
        if os.path.exists(device.source):
            raise InvalidOption(
                "device", device.source, "is not a device", remedy="Use the option volume to mount a file"
            )
        raise Missing("device", device.source, "does not exist on this host")
    yield device.destination, node


def _below(source: str, destination: str, access: str) -> Iterator[tuple[str, DeviceNode]]:
    for name in sorted(os.listdir(source)):
        path = f"{source}/{name}"
        if source == "/dev" and name in _NOT_DEVICES:
            continue
        if os.path.isdir(path) and not os.path.islink(path):
            yield from _below(path, f"{destination}/{name}", access)
            continue
        node = _node(path, access, follow=False)
        if node is not None:
            yield f"{destination}/{name}", node


def _node(path: str, access: str, *, follow: bool) -> DeviceNode | None:
    try:
        found = os.stat(path, follow_symlinks=follow)
    except OSError:
        return None
    kinds = {stat.S_IFCHR: "c", stat.S_IFBLK: "b"}
    kind = kinds.get(stat.S_IFMT(found.st_mode))
    if kind is None:
        return None
    number, mode = found.st_rdev, stat.S_IMODE(found.st_mode)
    return DeviceNode(kind, os.major(number), os.minor(number), mode, found.st_uid, found.st_gid, access)
