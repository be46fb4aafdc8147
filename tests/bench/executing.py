# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure a command in a running container against nothing but the OCI runtime's own exec."""

from __future__ import annotations

import subprocess

from _engine.lifecycle.exec.exec import execute
from _engine.model.container.execution import ExecSpec
from _engine.runtime.oci import find_runtime
from figure import Figure, medians, seconds_of
from starting import Host

NAME = "inside"
_COMMAND = ["/bin/sh", "-c", ":"]


def measure_exec(host: Host, rounds: int) -> list[Figure]:
    """Return the figures of a command that does nothing."""
    container_id = host.bring(NAME, "started").result["container"]["Id"]
    runtime = find_runtime(root=host.layout.runtime_root)
    bare = [runtime.path, "--root", runtime.root, "exec", container_id, *_COMMAND]
    samples = [(*_ours(host), seconds_of(lambda: _run(bare))) for _round in range(rounds + 1)][1:]
    host.bring(NAME, "absent")
    inner, whole, peer = medians(samples)
    return [
        Figure(f"exec of a shell, {runtime.name}", inner, f"{runtime.name} exec", peer, rounds, 1.05),
        Figure("  with opening and closing the engine", whole, "the same", peer, rounds),
    ]


def _ours(host: Host) -> tuple[float, float]:
    """Run the command; seconds without and with opening the engine."""
    taken: list[float] = []

    def opened() -> None:
        with host.open() as engine:
            spec = ExecSpec.parse({"argv": _COMMAND})
            taken.append(seconds_of(lambda: execute(engine, NAME, spec)))

    whole = seconds_of(opened)
    return taken[0], whole


def _run(argv: list[str]) -> None:
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, capture_output=True)
