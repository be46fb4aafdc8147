# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of module ``container``: those of the engine's table, those of the task, and those that are refused.

Names, types and aliases are those of containers.podman.podman_container, so that its tasks run unchanged.
Two types are wider: ``entrypoint`` may be a list, and ``stop_signal`` a name.
"""

from __future__ import annotations

from typing import Any

from ..._engine.model.container.kinds import of_type
from ..._engine.model.container.options import OPTIONS
from ..._engine.plan.container import STARTED, STATES
from ..not_built import NOT_BUILT
from ..options import ArgumentSpec, declared
from .image.pull_options import PULL_OPTIONS

#: The options of the table. None has a default here, because an unset option is not the same as one set to the default.
ARGUMENTS: ArgumentSpec = {name: argument for row in OPTIONS for name, argument in row.arguments.items()}


class TaskOptions:
    """Options of the task, not of the container; each documented below it, as in the engine's table."""

    state = of_type("str", default=STARTED, choices=[*STATES])
    """Desired state of the container. V(started) ensures that it exists as the task describes it, and runs.

    V(present) and V(created) ensure that it exists as described. A new container is not started. A running
    container keeps running, even if it has to be recreated.

    V(stopped) ensures that it exists as described, and is stopped. It remains stopped, regardless of its
    restart policy, until it is started again.

    V(healthy) is V(started), and waits as O(wait=true) does.

    V(paused) ensures that it is started and that all its processes are frozen. V(started) resumes them.

    V(restarted) stops and starts it, each time the task runs. A container that is not running, or had to be
    recreated, is only started.

    V(absent) stops and removes the container. The container's options are ignored, so that V(absent) can be
    set in a complete task.
    """

    detach = of_type("bool", default=True)
    """Whether to return without waiting for the container to exit. V(false) waits, and returns RV(rc),
    RV(stdout) and RV(stderr); the task fails if the exit status is not 0.
    """

    recreate = of_type("bool", default=False)
    """Whether to recreate the container even if nothing has changed."""

    pull = of_type("str")
    """When to pull O(image). V(missing) pulls it if it is not on the host. V(newer) compares its digest with
    the registry's each time and recreates a container of an older image; if the registry cannot be
    reached, the local image is used. V(always) is V(newer), but fails if the registry cannot be reached.
    V(never) does not pull.

    Defaults to V(missing). Booleans have the meaning that they have in M(community.docker.docker_container):
    V(true) is V(always), V(false) is V(missing).

    A running container keeps running until the new image has been pulled.
    """

    image_strict = of_type("bool", default=False)
    """Whether a different name of the same image counts as a change."""

    force_restart = of_type("bool", default=False, aliases=["restart"])
    """Whether to restart the container even if nothing has changed."""

    force_delete = of_type("bool", default=True)
    """Whether O(state=absent) stops a running container. With V(false), it fails if the container runs."""

    delete_depend = of_type("bool", default=False)
    """Whether O(state=absent) also removes the containers that require this one, dependents first.

    With V(false), removing a container that others require is refused, and the error names them.
    """

    start_dependencies = of_type("bool", default=True)
    """Whether to start the containers that this one requires first, in order. With V(false), starting it is
    refused if one of them does not run.
    """

    delete_volumes = of_type("bool", default=False)
    """Whether to remove the container's anonymous volumes with it. Named volumes are never removed."""

    stop_time = of_type("int")
    """Seconds to wait before the container is killed, in this task only. Overrides O(stop_timeout)."""

    wait = of_type("bool", default=False)
    """Whether a task that leaves the container running waits until it is ready. A container with a health
    check must become healthy. A container without one must run for a second.

    The task fails if the container becomes unhealthy, if it exits and no restart policy restarts it, or after
    O(wait_timeout). RV(exit_code), RV(oom_killed), RV(health) and RV(log) show the reason.
    """

    wait_timeout = of_type("float", default=300.0, aliases=["healthy_wait_timeout"])
    """Timeout of O(wait) and O(state=healthy) in seconds. V(0) or less waits indefinitely."""


TASK_OPTIONS: ArgumentSpec = declared(TaskOptions)


def argument_spec() -> dict[str, Any]:
    """Return the argument spec: the table's options, the task's, and those refused as not implemented."""
    return {**ARGUMENTS, **TASK_OPTIONS, **PULL_OPTIONS, **NOT_BUILT}
