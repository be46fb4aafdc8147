# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``store_check``: its options, and what it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.outcome import Outcome
from ..._engine.lifecycle.store.repair import check
from ..runner import run

ARGUMENTS = {
    "repair": {"type": "bool", "default": False},
    "quick": {"type": "bool", "default": False},
}


class Request(NamedTuple):
    """Whether to mend what is found, and to leave contents unread."""

    repair: bool
    quick: bool


def to_request(params: Mapping[str, Any]) -> Request:
    """Return what the task asks."""
    return Request(params["repair"], params["quick"])


def act(engine: Engine, request: Request) -> Outcome:
    """Look, and mend."""
    return check(engine, repair=request.repair, quick=request.quick)


def main() -> None:
    """Run the module."""
    run(ARGUMENTS, to_request, act, otherwise="repaired the store", result={"faults": []})
