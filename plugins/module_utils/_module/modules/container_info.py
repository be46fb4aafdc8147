# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``container_info``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.outcome import Outcome
from ..._engine.lifecycle.info.info import containers
from ..podman_options import PROGRAM
from ..read_only import look
from ..tasks.container_info import ARGUMENTS, Question, to_question


def act(engine: Engine, question: Question) -> Outcome:
    """Return them."""
    shapes = containers(engine, question.names, labels=question.labels, size=question.size).result[
        "containers"
    ]
    if question.explain:
        from ..._engine.lifecycle.info.explain import explained

        shapes = explained(engine, shapes)
    if question.lines:
        from ..._engine.lifecycle.info.last_lines import with_logs

        shapes = with_logs(engine, shapes, question.lines)
    return Outcome(result={"containers": shapes})


def main() -> None:
    """Run the module."""
    look(ARGUMENTS, to_question, act, foreign=PROGRAM)
