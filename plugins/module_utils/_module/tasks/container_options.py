# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of module ``container``: those of the engine's table, those of the task, and those that are refused.

Names, types and aliases are those of containers.podman.podman_container, so that its tasks run as they are.
Two types are wider than there: ``entrypoint`` may be a list, and ``stop_signal`` a name.
"""

from __future__ import annotations

from typing import Any

from ..._engine.model.container.kinds import of_type
from ..._engine.model.container.options import OPTIONS
from ..._engine.plan.container import STARTED, STATES
from ..not_built import NOT_BUILT
from ..options import ArgumentSpec, declared
from .image.pull_options import PULL_OPTIONS

#: Of the table. None has a default here: unset is a value of its own.
ARGUMENTS: ArgumentSpec = {name: argument for row in OPTIONS for name, argument in row.arguments.items()}


class TaskOptions:
    """Options of the task, not of the container: how to get there; documented below each, as in the engine's table."""

    state = of_type("str", default=STARTED, choices=[*STATES])
    """V(started) has the container running, as asked for.

    V(present) and V(created) have it as asked for. A new one is not started. One that runs goes on running,
    also when it is made anew.

    V(stopped) has it as asked for, and stopped. So it stays, whatever its restart policy, until it is
    started again.

    V(healthy) is V(started), and the task waits as with O(wait=true).

    V(paused) has it started, and all of its processes frozen. V(started) lets it go on.

    V(restarted) stops and starts it, each time. One that does not run, or had to be made anew, is only
    started.

    V(absent) has it stopped and removed. The options of the container are not looked at then, so a whole
    task can be turned to V(absent).
    """

    detach = of_type("bool", default=True)
    """V(false) waits until the container has ended, and returns RV(rc), RV(stdout) and RV(stderr). The task
    fails unless the exit code is 0.
    """

    recreate = of_type("bool", default=False)
    """Whether the container is made anew even if nothing differs."""

    pull = of_type("str")
    """When the registry is asked for O(image). V(missing): when the image is not there. V(newer): each time, by
    its digest alone, and a container of an older image is made anew; where the registry can't be reached, the
    image that is there is good enough. V(always): each time, and the registry has to answer. V(never): never.

    Unset is V(missing). A boolean is what it is in M(community.docker.docker_container): V(true) is
    V(always), V(false) is V(missing).

    What runs goes on running until the new image is here.
    """

    image_strict = of_type("bool", default=False)
    """Whether another name of the same image is a change too."""

    force_restart = of_type("bool", default=False, aliases=["restart"])
    """Whether the container is stopped and started again even if nothing differs."""

    force_delete = of_type("bool", default=True)
    """Whether O(state=absent) stops a container that runs. With V(false) it fails then."""

    delete_depend = of_type("bool", default=False)
    """Whether O(state=absent) removes the containers that need this one too, each after those that need it.

    With V(false) the removal of a container that others need is refused, and they are named.
    """

    start_dependencies = of_type("bool", default=True)
    """Whether the containers that this one needs are started before it, in order. With V(false) its start is
    refused while one of them does not run.
    """

    delete_volumes = of_type("bool", default=False)
    """Whether the container's anonymous volumes are removed with it. Named ones never are."""

    stop_time = of_type("int")
    """Seconds to wait in this task before the container is killed, in place of O(stop_timeout)."""

    wait = of_type("bool", default=False)
    """Whether a task that leaves the container running waits until it is fit for use. With a health check it
    has to become healthy. Without one it has to run for a second.

    The task fails when the container becomes unhealthy, when it ends and no restart policy starts it again,
    or when O(wait_timeout) is over. RV(exit_code), RV(oom_killed), RV(health) and RV(log) tell why.
    """

    wait_timeout = of_type("float", default=300.0, aliases=["healthy_wait_timeout"])
    """Seconds that O(wait) and O(state=healthy) take at most. V(0) or less means without end."""


TASK_OPTIONS: ArgumentSpec = declared(TaskOptions)


def argument_spec() -> dict[str, Any]:
    """Return the argument spec: the table's options, the task's, and those refused as not built yet."""
    return {**ARGUMENTS, **TASK_OPTIONS, **PULL_OPTIONS, **NOT_BUILT}
