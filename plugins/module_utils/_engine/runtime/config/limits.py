# SPDX-License-Identifier: GPL-3.0-or-later
"""The cgroup limits of a container (``linux.resources``), and how to change those of a running one.

Pure. Sources: OCI runtime-spec 1.0.2 config-linux.md; runc-update(8); cgroup-v2; podman-run(1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ...model.container.spec import ContainerSpec

#: The kernel's default period of the CPU quota, in microseconds (cgroup-v2, cpu.max).
CPU_PERIOD = 100_000
DEFAULT_PIDS = 2048
#: The kernel's default CPU weight of a cgroup: 1024 shares on v1, 100 on v2. Runtimes convert shares to a v2
#: weight by ``1 + (shares - 2) * 9999 / 262142`` (crun.1, "cgroup v2"), so that 2598 shares give 100.
_SHARES_V1, _SHARES_V2 = 1024, 2598
#: The kernel's default block I/O weights: of the scheduler BFQ, of CFQ (v1), and of io.weight (v2). Runtimes
#: convert a weight to the latter by ``1 + (weight - 10) * 9999 / 990`` (crun.1), so that 20 gives its
#: default, 100.
WEIGHT_BFQ, WEIGHT_CFQ, WEIGHT_V2 = 100, 500, 20
#: In effect no limit, for crun 1.8, which passes -1 to the kernel unchanged, or as unsigned, and gets EINVAL
#: or ERANGE: the kernel's largest PID (PID_MAX_LIMIT), and in each period the time of as many processors as
#: Linux supports.
_ALL_PIDS = 4 << 20
_ALL_QUOTA = 8192 * CPU_PERIOD
#: Limits that must be set together: the kernel accepts a limit only if it is consistent with its partner, so
#: the runtime orders the two.
_TOGETHER = (("memory", ("limit", "swap")), ("cpu", ("quota", "period")))

#: Group (``memory``) and name (``limit``) to value, as in ``linux.resources``.
Limits = Mapping[str, Mapping[str, Any]]


class Ground(NamedTuple):
    """The values that apply without a limit: the parent's CPUs and memory nodes, and the cgroup version.

    ``takes_none``: the runtime accepts -1 for no limit wherever the specification allows it. ``weight`` is
    the kernel's default block I/O weight, in the runtime's units.
    """

    cpus: str
    mems: str
    version: str
    takes_none: bool
    weight: int = WEIGHT_BFQ


def limits(spec: ContainerSpec, *, counts_swap: bool) -> dict[str, dict[str, Any]]:
    """Return the limits, without unlimited ones, because runtimes disagree on how to write these.

    ``counts_swap`` False: the kernel can't limit swap.
    """
    parts = {
        "memory": _memory(spec, counts_swap=counts_swap),
        "cpu": _cpu(spec),
        "pids": _pids(spec),
        "blockIO": {"weight": spec.blkio_weight} if spec.blkio_weight else {},
    }
    return {key: value for key, value in parts.items() if value}


def change(before: Limits, after: Limits, ground: Ground) -> dict[str, dict[str, Any]]:
    """Return the resources for ``update --resources`` to get from ``before`` to ``after``; {} for no change.

    A removed limit is set to its unlimited value explicitly, because an update leaves what it omits
    unchanged.
    """
    changed: dict[str, dict[str, Any]] = {}
    for group in dict.fromkeys((*before, *after)):
        old, new = before.get(group, {}), after.get(group, {})
        names = {name for name in {*old, *new} if old.get(name) != new.get(name)}
        for together, partners in _TOGETHER:
            if group == together and names & {*partners}:
                names |= {*partners} & {*old, *new}
        if names:
            changed[group] = {
                name: new[name] if name in new else _unlimited(group, name, ground) for name in sorted(names)
            }
    return changed


def _unlimited(group: str, name: str, ground: Ground) -> Any:
    v2 = ground.version == "v2"
    values: dict[str, Any] = {
        "memory.limit": -1,
        "memory.swap": -1,
        "memory.reservation": 0 if v2 else -1,  # v2 protects that much memory, v1 reclaims what exceeds it
        "cpu.quota": -1 if ground.takes_none else _ALL_QUOTA,
        "cpu.period": CPU_PERIOD,
        "cpu.shares": _SHARES_V2 if v2 else _SHARES_V1,
        "cpu.cpus": ground.cpus,
        "cpu.mems": ground.mems,
        "pids.limit": -1 if ground.takes_none else _ALL_PIDS,
        "blockIO.weight": ground.weight,
    }
    return values[f"{group}.{name}"]


def _memory(spec: ContainerSpec, *, counts_swap: bool) -> dict[str, int]:
    memory = {} if spec.memory_reservation is None else {"reservation": spec.memory_reservation}
    if spec.memory_swappiness is not None:
        memory["swappiness"] = spec.memory_swappiness
    if spec.oom_kill_disable:
        memory["disableOOMKiller"] = True
    if spec.memory is None:
        return memory
    memory["limit"] = spec.memory
    # Unset means as much swap as memory (podman-run(1)); the value is the sum of both.
    swap = 2 * spec.memory if spec.memory_swap is None else spec.memory_swap
    return {**memory, "swap": swap} if swap >= 0 and counts_swap else memory


def _cpu(spec: ContainerSpec) -> dict[str, Any]:
    cpu: dict[str, Any] = {
        "quota": spec.cpu_quota,
        "period": spec.cpu_period,
        "shares": spec.cpu_shares,
        "cpus": spec.cpuset_cpus,
        "mems": spec.cpuset_mems,
    }
    if spec.cpus is not None:
        cpu.update(quota=spec.cpus * CPU_PERIOD // 10**9, period=CPU_PERIOD)
    return {name: value for name, value in cpu.items() if value}


def _pids(spec: ContainerSpec) -> dict[str, int]:
    limit = DEFAULT_PIDS if spec.pids_limit is None else spec.pids_limit
    return {"limit": limit} if limit > 0 else {}
