# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ``store_check``: its options and its implementation."""

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
    """Whether to repair faults, and whether to skip reading contents."""

    repair: bool
    quick: bool


def to_request(params: Mapping[str, Any]) -> Request:
    """Return the task's request."""
    return Request(params["repair"], params["quick"])


def act(engine: Engine, request: Request) -> Outcome:
    """Check the store, and repair it if requested."""
    return check(engine, repair=request.repair, quick=request.quick)


def main() -> None:
    """Run the module."""
    run(ARGUMENTS, to_request, act, otherwise="repaired the store", result={"faults": []})
