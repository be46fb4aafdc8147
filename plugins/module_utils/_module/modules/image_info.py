# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``image_info``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.outcome import Outcome
from ..._engine.lifecycle.info.info import images
from ..podman_options import PROGRAM
from ..read_only import look
from ..tasks.image.question import ARGUMENTS, Question, to_question


def act(engine: Engine, question: Question) -> Outcome:
    """Return them."""
    return images(
        engine,
        question.names,
        labels=question.labels,
        references=question.references,
        dangling=question.dangling,
    )


def main() -> None:
    """Run the module."""
    look(ARGUMENTS, to_question, act, foreign=PROGRAM)
