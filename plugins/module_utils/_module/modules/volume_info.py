# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``volume_info``: its options and its implementation."""

from __future__ import annotations

from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.outcome import Outcome
from ..._engine.lifecycle.info.info import volumes
from ..options import LABELLED_OPTIONS, Labelled, labelled_asked
from ..podman_options import PROGRAM
from ..read_only import look


def act(engine: Engine, question: Labelled) -> Outcome:
    """Return them."""
    return volumes(engine, question.names, labels=question.labels)


def main() -> None:
    """Run the module."""
    look(LABELLED_OPTIONS, labelled_asked, act, foreign=PROGRAM)
