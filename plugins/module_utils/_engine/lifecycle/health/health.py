# SPDX-License-Identifier: GPL-3.0-or-later
"""Record results of health checks, act on them, and run a check by hand (podman-healthcheck-run(1))."""

from __future__ import annotations

import os
import signal
import time

from ...errors import EngineError
from ...model.container.execution import ExecSpec
from ...model.container.health import OUTPUT_LIMIT, Health, Result
from ...model.container.healthcheck import HealthCheck
from ...model.container.healthtest import KILL, RESTART, STOP
from ...model.engine.record import ContainerRecord
from ...plan import health as planning
from ...runtime import healthfile
from ..core.engine import Engine
from ..core.health_state import check_of, state_of
from ..guard.hold import hold

_SECOND = 10**9


def age(record: ContainerRecord) -> int:
    """Return how long the container has been running, in nanoseconds of CLOCK_BOOTTIME."""
    if record.process is None:
        return 0
    return now() - record.process.start_time * (_SECOND // os.sysconf("SC_CLK_TCK"))


def now() -> int:
    """Return the nanoseconds since boot, suspend included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def take_note(
    engine: Engine, record: ContainerRecord, check: HealthCheck, result: Result, *, age_then: int
) -> tuple[Health, str]:
    """Store a result, record an event if the status changed, and return the health and the action to take.

    ``age_then`` is the container's uptime when the check began. Raises FileNotFoundError when the container is gone.
    """
    before = state_of(engine, record, check) or Health(record.started or 0)
    health, action = planning.after(check, before, result, age=age_then)
    healthfile.write(engine.layout.container(record.id), health)
    if health.status != before.status:
        engine.tell("container", "health_status", record.id, record.name, health_status=health.status)
    return health, action


def run_once(engine: Engine, name: str) -> Health:
    """Run the container's check now, store the result, and return the health (podman-healthcheck-run(1)).

    The action for an unhealthy container is left to the scheduled checks. Raises NotFound, WrongState, and EngineError for
    a container without a check.
    """
    from ...errors import CommandTimeout, RuntimeFailed
    from ..exec import exec as execution

    record = execution.check(engine, name, ExecSpec(("true",)))
    check = check_of(engine, record)
    if check is None:
        raise EngineError(
            f"container {record.name} has no health check",
            remedy="Set healthcheck, or use an image that defines one",
        )
    known = state_of(engine, record, check) or Health(0)
    one = check.startup if check.startup and planning.next_is_startup(check, known) else check
    begun, age_then = time.time_ns(), age(record)
    try:
        done = execution.execute(engine, record.id, ExecSpec(one.argv), timeout=one.timeout / _SECOND)[1]
        code, said = done.code, (done.stdout + done.stderr).decode("utf-8", "replace")
    except CommandTimeout:
        code, said = 1, timed_out(one.timeout)
    except RuntimeFailed as error:
        code, said = code_of(error), error.message
    return take_note(
        engine, record, check, Result(begun, time.time_ns(), code, said[:OUTPUT_LIMIT]), age_then=age_then
    )[0]


def code_of(error: EngineError) -> int:
    """Return the exit code of a check that could not be started."""
    code = error.fields.get("rc")
    return code if isinstance(code, int) else 1


def timed_out(timeout: int) -> str:
    """Return the output to record for a check that timed out."""
    return f"the check timed out after {timeout / _SECOND:g} s and was killed"


def act(engine: Engine, container_id: str, action: str, exit_command: tuple[str, ...]) -> None:
    """Carry out the check's action on an unhealthy container (libpod: ``processHealthCheckStatus``).

    After a kill the restart policy decides; a stop counts as a user's.
    """
    from ..container.kill import kill
    from ..container.restart import restart
    from ..container.stop import stop
    from ..core.origin import source_of

    if action == KILL:
        kill(engine, container_id, signal.SIGKILL, wish=False)
    elif action == RESTART:
        restart(engine, container_id, exit_command, wish=False)
    elif action == STOP:
        with hold(engine, container_id, "stop") as record:
            config = source_of(engine, record).config
        stop(engine, container_id, config)
