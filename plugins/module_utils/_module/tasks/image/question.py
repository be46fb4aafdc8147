# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options of module ``image_info`` into a query; pure."""

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
    """A selection of images: by name (None for all), by label, by patterns of the name, and by having a name."""

    names: Optional[Sequence[str]]
    labels: Sequence[str]
    references: Sequence[str]
    dangling: Optional[bool]


def to_question(params: Mapping[str, Any]) -> Question:
    """Return the task's query."""
    return Question(*labelled_asked(params), params["reference"] or (), params["dangling"])
