# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundle's ``linux``: namespaces, resources, devices, masked paths, seccomp.

Pure. Sources: OCI runtime-spec 1.0.2 config-linux.md; podman-run(1); cgroups(7).
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from ...model.container.cgroup import DISABLED
from ...model.container.tuning import decode_rule
from . import limits, mounts, seccomp
from .process import bounding
from .request import BundleRequest, DeviceNode

_KINDS = ("pid", "ipc", "uts", "mount", "network", "cgroup", "user")
#: Paths that expose the host or let a container change it; all engines mask them.
_MASKED = (
    "/proc/acpi /proc/kcore /proc/keys /proc/latency_stats /proc/sched_debug /proc/scsi /proc/timer_list"
    " /proc/timer_stats /sys/dev/block /sys/devices/virtual/powercap /sys/firmware /sys/fs/selinux"
).split()
_READ_ONLY = "/proc/asound /proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger".split()


def build(request: BundleRequest) -> dict[str, Any]:
    """Return the ``linux`` object."""
    linux: dict[str, Any] = {
        "cgroupsPath": request.cgroup_path,
        "namespaces": namespaces(request),
        **_mappings(request),
        "resources": resources(request),
        "maskedPaths": _hidden(request, [*_MASKED, *_words(request, "mask")], kept=_words(request, "mask")),
        "readonlyPaths": _hidden(request, _READ_ONLY, kept=[]),
        "devices": [_device(path, node) for path, node in sorted(request.devices.items())],
        "sysctl": _sysctl(request),
        "rootfsPropagation": mounts.propagation(request),
        "seccomp": _seccomp(request),
    }
    return {key: value for key, value in linux.items() if value}


def namespaces(request: BundleRequest) -> list[dict[str, str]]:
    """Return the namespaces: new ones without a path, existing and shared ones with one, not the host's.

    As in podman, the cgroup namespace is the container's own only on v2, unless the spec asks for one.
    """
    found = [_namespace(request, kind) for kind in _KINDS]
    return [namespace for namespace in found if namespace is not None]


def _namespace(request: BundleRequest, kind: str) -> dict[str, str] | None:
    if kind == "user" and request.mapping is None:
        return None
    if kind != "mount" and request.shares(kind):
        path = request.joined.get(kind)
        return {"type": kind, "path": path} if path else None
    if kind == "cgroup" and not request.spec.cgroupns and request.host.cgroup_version != "v2":
        return None
    path = request.own_namespaces.get(kind)
    return {"type": kind, "path": path} if path else {"type": kind}


def _mappings(request: BundleRequest) -> dict[str, Any]:
    """Return the user namespace's ID mappings.

    A shared one needs them too: runc reads them (libcontainer, HostRootUID).
    """
    mapping = request.mapping
    if mapping is None:
        return {}
    return {
        name: [{"containerID": item.container, "hostID": item.host, "size": item.size} for item in ranges]
        for name, ranges in (("uidMappings", mapping.uids), ("gidMappings", mapping.gids))
    }


def resources(request: BundleRequest) -> dict[str, Any]:
    """Return the cgroup's device rules and the limits that can be changed while the container runs."""
    if request.spec.cgroups == DISABLED:
        return {}
    shared = limits.limits(request.spec, counts_swap=request.host.swap_limit)
    devices = _device_rules(request)
    parts = {
        "devices": devices,
        **shared,
        "unified": request.spec.cgroup_conf,
    }
    return {key: value for key, value in parts.items() if value}


def _device_rules(request: BundleRequest) -> list[dict[str, Any]]:
    if request.spec.privileged:
        return [{"allow": True, "access": "rwm"}]
    # The runtime itself also allows the standard devices, such as /dev/null, and every mknod.
    return (
        [{"allow": False, "access": "rwm"}]
        + [
            {
                "allow": True,
                "type": node.type,
                "major": node.major,
                "minor": node.minor,
                "access": node.access,
            }
            for _path, node in sorted(request.devices.items())
        ]
        + [_rule(text) for text in request.spec.device_cgroup_rule or ()]
    )


def _rule(text: str) -> dict[str, Any]:
    rule = decode_rule(text)
    made = {"allow": True, "type": rule.type, "major": rule.major, "minor": rule.minor, "access": rule.access}
    return {key: value for key, value in made.items() if value is not None}


def _device(path: str, node: DeviceNode) -> dict[str, Any]:
    return {
        "path": path,
        "type": node.type,
        "major": node.major,
        "minor": node.minor,
        "fileMode": node.mode,
        "uid": node.uid,
        "gid": node.gid,
    }


def _words(request: BundleRequest, option: str) -> list[str]:
    return [path for text in request.security.get(option, ()) for path in text.split(":") if path]


def _hidden(request: BundleRequest, paths: list[str], *, kept: list[str]) -> list[str]:
    """Return the paths without the unmasked ones (``ALL``, a path, or a pattern such as ``/proc/*``)."""
    shown = _words(request, "unmask")
    if request.spec.privileged or any(word.upper() == "ALL" for word in shown):
        return kept
    return [path for path in paths if not any(PurePosixPath(path).match(pattern) for pattern in shown)]


def _sysctl(request: BundleRequest) -> dict[str, str]:
    # Lets group 0 ping without CAP_NET_RAW (icmp(7)); podman's default in a network namespace of its own.
    own_network = not request.shares("network")
    return {**({"net.ipv4.ping_group_range": "0 0"} if own_network else {}), **(request.spec.sysctl or {})}


def _seccomp(request: BundleRequest) -> dict[str, Any] | None:
    said = request.security.get("seccomp", ())
    if not request.host.seccomp or "unconfined" in said or (request.spec.privileged and not said):
        return None
    held, architecture = bounding(request), request.host.architecture
    if request.seccomp_profile is not None:
        return seccomp.resolve(request.seccomp_profile, held, architecture)
    return seccomp.profile(held, architecture)
