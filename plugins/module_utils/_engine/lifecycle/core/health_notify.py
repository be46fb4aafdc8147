# SPDX-License-Identifier: GPL-3.0-or-later
"""Notify the engine's health checker, and start it if it does not run.

A datagram to its socket says that a container started, changed or exited; a datagram without a receiver means that the
checker does not run (health_process.py).
"""

from __future__ import annotations

import os

from ...kernel import command
from ...model.container.health import Health
from ...model.container.healthcheck import resolve
from ...model.engine.record import ContainerRecord
from ...model.image.config import ImageConfig
from ...runtime import healthfile
from ...runtime.healthsocket import EVERYTHING, send
from ...systemd import scope, service
from .engine import Engine


def begin(engine: Engine, record: ContainerRecord, image: ImageConfig | None) -> None:
    """Start the health checks of a container that was just started or changed; do nothing without a check."""
    check = resolve(record.spec, image)
    if check is None or record.started is None:
        return
    container = engine.layout.container(record.id)
    known = healthfile.read(container)
    if known is None or known.run != record.started:
        healthfile.write(container, Health(record.started))
    if check.interval or check.startup:
        nudge(engine, record.id)


def nudge(engine: Engine, container_id: str, *, needed: bool = True) -> None:
    """Notify the health checker of the container; ``needed``: start the checker if it does not run."""
    if not send(engine.layout, container_id) and needed:
        launch(engine)


def launch(engine: Engine) -> None:
    """Start the health checker so that it outlives the calling session.

    With systemd, as a service that systemd restarts when it dies; else detached, with a second process that restarts it
    (health_process.py). Without an installed agent do nothing: no container was started yet.
    """
    program = engine.layout.agent_program
    if not os.path.exists(program):
        return
    if scope.is_running() and service.start(
        f"slipway-health{engine.layout.cgroup_parent.removeprefix('/slipway')}.service",
        [program, "health", "--alone"],
        properties=["Restart=on-failure"],
        is_done=lambda: send(engine.layout, EVERYTHING),
    ):
        return
    command.detach([program, "health"])
