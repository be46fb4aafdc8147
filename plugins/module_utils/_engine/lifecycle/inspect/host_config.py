# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's limits and rights on its host in the shape of ``podman inspect`` (``HostConfig``); pure."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple, Optional

from ...model.container import log_options
from ...model.container.options import OPTIONS, REFUSED
from ...model.container.restart_policy import NO
from ...model.container.spec import ContainerSpec
from ...model.values.idmap import IdMap
from ...runtime.config.limits import CPU_PERIOD, DEFAULT_PIDS, limits

#: Limits of single devices, which are not implemented.
_OF_DEVICES = "BlkioWeightDevice BlkioDeviceReadBps BlkioDeviceWriteBps BlkioDeviceReadIOps BlkioDeviceWriteIOps".split()
#: Keys that are not implemented, or equal for all containers.
_SAME_FOR_ALL: dict[str, Any] = {
    "VolumeDriver": "",
    "Cgroup": "",
    "Links": None,
    "Runtime": "oci",
    # For Windows, and for a console's terminal.
    "ConsoleSize": [0, 0],
    "CpuCount": 0,
    "CpuPercent": 0,
    "DiskQuota": 0,
    "IOMaximumBandwidth": 0,
    "IOMaximumIOps": 0,
    "Isolation": "",
}
#: The options that are shown as stored, and those that are not implemented, which no container has.
_SHOWN = tuple((option, option.shown) for option in OPTIONS if option.shown is not None)
_NOT_BUILT = tuple(option.shown for option in REFUSED.values() if option.shown is not None)


class OfHost(NamedTuple):
    """The host's defaults: all of its capabilities, and the cgroup namespace of containers that set none."""

    capabilities: Optional[frozenset[str]] = None
    cgroupns: Optional[str] = None


#: The defaults of an unexamined host.
UNSEEN = OfHost()


def host_config(
    spec: ContainerSpec,
    log: str,
    host: OfHost = UNSEEN,
) -> dict[str, Any]:
    """Return ``HostConfig`` without the resources' keys (held.py); ``log`` is the default path of the log."""
    return {
        **_SAME_FOR_ALL,
        **_of_table(spec),
        "LogConfig": _log(spec, log),
        "IpcMode": spec.ipc or "shareable",  # any container may join it
        "PidMode": spec.pid or "private",
        "UTSMode": spec.uts or "private",
        "UsernsMode": "" if spec.userns is None else "private",
        "CgroupMode": spec.cgroupns or host.cgroupns,
        "RestartPolicy": {
            "Name": "" if spec.restart_policy.word == NO else spec.restart_policy.word,
            "MaximumRetryCount": spec.restart_policy.retries,
        },
        **_devices(spec),
        **_limits(spec),
    }


def _of_table(spec: ContainerSpec) -> dict[str, Any]:
    """Return the keys of ``HostConfig`` that the option table names."""
    found = {key: copy.copy(unset) for key, unset in _NOT_BUILT}
    for option, (key, unset) in _SHOWN:
        value = getattr(spec, option.name)
        found[key] = copy.copy(unset) if value is None else option.kind.encode(value)
    return found


def id_mappings(mapping: IdMap | None) -> dict[str, Any]:
    """Return the keys that ``HostConfig`` has only with a user namespace."""
    if mapping is None:
        return {}
    uids, gids = ([item.text() for item in ranges] for ranges in mapping)
    return {"IDMappings": {"UidMap": uids, "GidMap": gids}}


def _devices(spec: ContainerSpec) -> dict[str, Any]:
    devices = (spec.device or {}).values()
    return {
        "Devices": [
            {
                "PathOnHost": item.source,
                "PathInContainer": item.destination,
                "CgroupPermissions": item.permissions,
            }
            for item in devices
        ]
    }


def _limits(spec: ContainerSpec) -> dict[str, Any]:
    cpus = spec.cpus or 0
    memory = spec.memory or 0
    pids = DEFAULT_PIDS if spec.pids_limit is None else max(spec.pids_limit, 0)
    return {
        # Unset means as much swap as memory (podman-run(1)); the value is the sum of both.
        "MemorySwap": 2 * memory if spec.memory_swap is None else spec.memory_swap,
        "CpuPeriod": CPU_PERIOD if cpus else spec.cpu_period or 0,
        "CpuQuota": cpus * CPU_PERIOD // 10**9 if cpus else spec.cpu_quota or 0,
        "PidsLimit": pids,
        "MemorySwappiness": _swappiness(spec),
        **{key: [] if spec.blkio_weight else None for key in _OF_DEVICES},
        "Ulimits": [
            {"Name": f"RLIMIT_{name.upper()}", "Soft": soft, "Hard": hard}
            for name, (soft, hard) in sorted((spec.ulimit or {}).items())
        ],
    }


def _swappiness(spec: ContainerSpec) -> int:
    """Return the option's value; unset it is -1 with other memory limits and 0 without, as in podman."""
    if spec.memory_swappiness is not None:
        return spec.memory_swappiness
    return -1 if limits(spec, counts_swap=True).get("memory") else 0


def _log(spec: ContainerSpec, log: str) -> dict[str, Any]:
    options = spec.log_opt or {}
    return {
        "Type": spec.log_driver,
        "Config": None,
        "Path": "" if spec.log_driver == log_options.JOURNAL else options.get("path", log),
        "Tag": options.get("tag", ""),
        "Size": _decimal_size(int(options.get("max_size", 0))),
    }


def _decimal_size(size: int) -> str:
    """Return ``1.049MB`` for 1048576: powers of 1000 and four digits, as podman writes a log's size."""
    number, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while number >= 1000 and len(units) > 1:
        number, units = number / 1000, units[1:]
    return f"{number:.4g}{units[0]}"
