# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options of module ``container_info`` into a query; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Optional

from ..._engine.errors import InvalidOption
from ..options import LABELLED_OPTIONS, ArgumentSpec, labelled_asked

_MOST_LINES = 10_000
_FLAG = {"type": "bool", "default": False}
ARGUMENTS: ArgumentSpec = {
    **LABELLED_OPTIONS,
    "size": _FLAG,
    "explain": _FLAG,
    "logs": _FLAG,
    "log_tail": {"type": "int", "default": 100},
}


class Question(NamedTuple):
    """The containers to return, whether to measure and explain them, and how many lines of log to return."""

    names: Optional[Sequence[str]]
    labels: Sequence[str]
    size: bool
    explain: bool
    lines: int


def to_question(params: Mapping[str, Any]) -> Question:
    """Return the task's query. Raises InvalidOption."""
    lines = params["log_tail"]
    if not 1 <= lines <= _MOST_LINES:
        raise InvalidOption(
            "log_tail", lines, "is out of range", remedy=f"Write a number from 1 to {_MOST_LINES}"
        )
    return Question(
        *labelled_asked(params), params["size"], params["explain"], lines if params["logs"] else 0
    )
