# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure stop and restart of a container against nothing but the OCI runtime, conmon and the same mounts."""

from __future__ import annotations

import signal
import time

from _engine.kernel.process import Process
from _engine.lifecycle.converge.container import converge
from _engine.lifecycle.converge.request import Request
from figure import Figure, medians, seconds_of
from place import undisturbed
from starting import Bare, Host, bare_container, conmon_and_start, end_bare, exit_command, wait_gone

NAME = "ours"


def measure_stop(host: Host, rounds: int) -> list[Figure]:
    """Return the figures of stop and of restart; what is to end ends by KILL at once on both sides."""
    with bare_container(host) as bare:
        samples = [_round(host, bare) for _round_number in range(rounds + 1)][1:]
    host.bring(NAME, "absent")
    restart, stop, bare_restart, bare_stop = medians(samples)
    name = bare.runtime.name
    return [
        Figure(f"stop, {name}", stop, f"{name} kill, wait, delete, unmount", bare_stop, rounds, 1.3),
        Figure(
            f"restart, {name}",
            restart,
            f"the same, conmon + {name} in a bare loop",
            bare_restart,
            rounds,
            1.2,
        ),
    ]


def _round(host: Host, bare: Bare) -> tuple[float, float, float, float]:
    host.bring(NAME, "started")
    restart, stop = _ours(host, "restarted"), _ours(host, "stopped")
    with undisturbed():
        _begin(bare)
        bare_restart = seconds_of(lambda: _restart(bare))
        bare_stop = seconds_of(lambda: _stop(bare))
        end_bare(bare)
    return restart, stop, bare_restart, bare_stop


def _ours(host: Host, state: str) -> float:
    """Bring the running container to the state; seconds without opening the engine."""
    with host.open() as engine:
        before = converge(engine, Request(NAME, "present"), exit_command).result["container"]["State"]
        begin = time.perf_counter()
        converge(engine, Request(NAME, state, stop_time=0), exit_command)
        took = time.perf_counter() - begin
    # The old conmon has still to hear from its agent, which would disturb the next run.
    wait_gone(Process.of(before["ConmonPid"]))
    return took


def _begin(bare: Bare) -> None:
    bare.mount()
    conmon_and_start(bare)


def _stop(bare: Bare) -> None:
    """Kill, wait for the process itself, delete: ``delete --force`` looks whether it has gone every 100 ms only."""
    with open(bare.container.pid_file, encoding="ascii") as file:
        process = Process.of(int(file.read()))
    bare.runtime.kill(bare.container.id, signal.SIGKILL)
    wait_gone(process)
    bare.runtime.delete(bare.container.id)
    bare.unmount()


def _restart(bare: Bare) -> None:
    _stop(bare)
    _begin(bare)
