# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a question from the options of module ``image_info``; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Optional

from ...options import LABELLED_OPTIONS, ArgumentSpec, labelled_asked

ARGUMENTS: ArgumentSpec = {
    **LABELLED_OPTIONS,
    "reference": {"type": "list", "elements": "str"},
    "dangling": {"type": "bool"},
}


class Question(NamedTuple):
    """Which images: by name (None: all); with these labels; named as one of these patterns says; with names, or without any."""

    names: Optional[Sequence[str]]
    labels: Sequence[str]
    references: Sequence[str]
    dangling: Optional[bool]


def to_question(params: Mapping[str, Any]) -> Question:
    """Return what the task asks."""
    return Question(*labelled_asked(params), params["reference"] or (), params["dangling"])
