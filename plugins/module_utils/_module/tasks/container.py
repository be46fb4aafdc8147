# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a task of module ``container``."""

from __future__ import annotations

from ..._engine.errors import ContainerFailed
from ..._engine.lifecycle.converge.container import converge
from ..._engine.lifecycle.converge.request import Request
from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.outcome import Outcome
from ..render import render


def converge_container(engine: Engine, request: Request) -> Outcome:
    """Converge the container to the task's request. Raises ContainerFailed if the container fails meanwhile."""
    outcome = converge(engine, request, _exit_command)
    if outcome.failure is not None:
        # The container was changed all the same, so return the full result.
        outcome.failure.fields = {**render(outcome, subject=request.name), **outcome.failure.fields}
        raise outcome.failure
    if "rc" in outcome.result and outcome.result["rc"] != 0:
        code = outcome.result["rc"]
        how = "its exit code is unknown" if code is None else f"its exit code is {code}"
        # The container was created and run all the same: return the full result, in particular the output.
        fields = render(outcome, subject=request.name)
        raise ContainerFailed(
            f"container {request.name} has exited and {how}", remedy="See stderr and stdout", **fields
        )
    return outcome


def _exit_command(engine: Engine, *, keep: bool) -> tuple[str, ...]:
    # Only a start needs the agent, and importing the code that packs it takes time.
    from ..._engine.agent.install import exit_command

    return exit_command(engine, keep=keep)
