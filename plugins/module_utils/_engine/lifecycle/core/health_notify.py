# SPDX-License-Identifier: GPL-3.0-or-later
"""Let the one process that checks the health of an engine's containers know, and start it where it is not there.

It hears by a datagram to its socket that a container began, changed or ended; a datagram that nobody takes means that it
is not there (health_process.py).
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
    """Begin the checks of a container that has just been started or changed; one without a check is fine."""
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
    """Let the process that checks look at the container; ``needed``: start it if it is not there."""
    if not send(engine.layout, container_id) and needed:
        launch(engine)


def launch(engine: Engine) -> None:
    """Start the process that checks, so that it outlives the session that needed it first.

    Under systemd as a service, which systemd starts again when it dies; else detached, with a second process that does so
    (health_process.py). Where no agent is installed, no container was started yet.
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
