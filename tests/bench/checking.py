# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what health checks cost: the one process for all of them, against a ``podman healthcheck run`` for each."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from _engine.agent.install import exit_command
from _engine.kernel.cgroup import cgroups
from _engine.lifecycle.converge.container import converge
from _engine.lifecycle.converge.request import Request
from _engine.lifecycle.info.info import containers
from _engine.model.container.spec import ContainerSpec
from _engine.runtime.oci import find_runtime
from figure import Figure, duration
from place import Place, undisturbed
from starting import IMAGE, Host

_INTERVAL = 10.0
#: Seconds until all have had their first check, and for how long is looked.
_PATIENCE, _WATCHED = 120.0, 40.0
_TICK = os.sysconf("SC_CLK_TCK")
_CHECK = "/bin/sh -c :"
_CGROUP = "/slipway-bench-podman"


class _Cost(NamedTuple):
    """Seconds of CPU: the checkers' own, and with all that they started and that ended."""

    own: float
    whole: float


def measure_health(place: Place, host: Host, number: int, rounds: int) -> tuple[list[Figure], str]:
    """Return the figures, and in words what ``number`` containers cost the host."""
    peer = _podman(place, f"{place.disk}/app.tar", rounds)
    with _checked(host, number):
        pair = _checkers(host)
        begin, before = time.monotonic(), _cost(pair)
        time.sleep(_WATCHED)
        took, after = time.monotonic() - begin, _cost(pair)
        memory = [_memory(pid) for pid in pair]
    checks = took * number / _INTERVAL
    own, whole = (after.own - before.own) / checks, (after.whole - before.whole) / checks
    load = number / _INTERVAL * 100
    told = (
        f"{number} containers checked every {_INTERVAL:.0f} s: {own * load:.1f} % of a CPU for the process itself, "
        f"{whole * load:.1f} % with the runtime's (podman: {peer * load:.1f} %, its timers left out); "
        f"memory of the pair, MB of its own: {memory[0][1]:.1f} + {memory[1][1]:.1f}, "
        f"resident: {memory[0][0]:.1f} + {memory[1][0]:.1f}; {duration(took)} watched"
    )
    what = "podman healthcheck run"
    return [
        Figure("a health check, CPU", whole, what, peer, rounds),
        Figure("  without the OCI runtime", own, what, peer, rounds),
    ], told


@contextmanager
def _checked(host: Host, number: int) -> Iterator[None]:
    """Have as many containers with a check, all of them checked once; they go at the end."""
    names = [f"checked{count}" for count in range(number)]
    raw = {"image": IMAGE, "command": ["/bin/sleep", "1000"], "network": ["none"]}
    check = {"healthcheck": _CHECK, "healthcheck_interval": f"{_INTERVAL:.0f}s"}
    try:
        for name in names:
            spec = ContainerSpec.parse({"name": name, **raw, **check})
            with host.open() as engine:
                converge(engine, Request(name, "started", spec), exit_command)
        _wait_healthy(host, names)
        yield
    finally:
        with undisturbed():
            for name in names:
                host.bring(name, "absent")


def _wait_healthy(host: Host, names: list[str]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        with host.open() as engine:
            shapes = containers(engine, names).result["containers"]
        if all(shape["State"]["Health"]["Status"] == "healthy" for shape in shapes):
            return
        if time.monotonic() > deadline:
            raise RuntimeError("not all containers became healthy")
        time.sleep(1)


# -- what processes cost -------------------------------------------------------------------------


def _checkers(host: Host) -> list[int]:
    """Return the process that checks and the one that would start it again."""
    program = os.fsencode(host.layout.agent_program)
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as stream:
                words = stream.read().split(b"\0")
        except OSError:
            continue
        if program in words and words[-2:-1] == [b"health"]:
            found.append(int(name))
    # One that is about to become the runtime is newer.
    return sorted(found)[:2]


def _cost(pids: list[int]) -> _Cost:
    """Return what the processes have used (proc_pid_stat(5): utime, stime, cutime, cstime)."""
    fields = []
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stream:
            fields.append([int(field) for field in stream.read().rpartition(")")[2].split()[11:15]])
    own = sum(sum(field[:2]) for field in fields) / _TICK
    return _Cost(own, own + sum(sum(field[2:]) for field in fields) / _TICK)


def _memory(pid: int) -> tuple[float, float]:
    """Return megabytes: resident, and the process's share of it (proc_pid_smaps_rollup: Rss, Pss)."""
    found = {}
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii", errors="replace") as stream:
        for line in stream:
            words = line.split()
            if words[-1] == "kB":
                found[words[0]] = int(words[1]) / 1000
    return found["Rss:"], found["Pss:"]


# -- podman --------------------------------------------------------------------------------------


def _podman(place: Place, archive: str, rounds: int) -> float:
    """Return the seconds of CPU of a ``podman healthcheck run``, what others do for it left out."""
    top = place.fresh("podman")
    run = f"{place.run}/podman"
    podman = ["podman", "--log-level=error", f"--root={top}/r", f"--runroot={run}/o", f"--tmpdir={run}/t"]
    runtime = find_runtime(root=f"{top}/oci").path
    podman += ["--storage-driver=overlay", "--cgroup-manager=cgroupfs", f"--runtime={runtime}"]
    _quiet([*podman, "load", "-q", "-i", archive])
    options = ["--network=none", f"--health-cmd={_CHECK}", "--health-interval=disable", "--name=checked"]
    # podman would raise limits, which not every host allows.
    options += ["--ulimit=nofile=64:64", "--ulimit=nproc=64:64", f"--cgroup-parent={_CGROUP}"]
    try:
        _quiet([*podman, "run", "-d", *options, IMAGE, "/bin/sleep", "1000"])
        _quiet([*podman, "healthcheck", "run", "checked"])
        before = _children()
        for _round in range(rounds):
            _quiet([*podman, "healthcheck", "run", "checked"])
        return (_children() - before) / rounds
    finally:
        with undisturbed():
            _quiet([*podman, "rm", "-f", "-t", "0", "--ignore", "checked"])
            cgroups.remove(_CGROUP)


def _quiet(argv: list[str]) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
