# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module that only reads; it imports none of the code that changes things."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any, TypeVar

from .._engine.lifecycle.core.engine import Engine
from .._engine.lifecycle.core.outcome import Outcome
from .._engine.lifecycle.host.read_only import look_at_engine
from .options import ArgumentSpec
from .run_task import run_with

Request = TypeVar("Request")


def look(
    argument_spec: ArgumentSpec,
    read: Callable[[Mapping[str, Any]], Request | None],
    act: Callable[[Engine, Request], Outcome],
    *,
    otherwise: Mapping[str, Any] = MappingProxyType({}),
    foreign: Sequence[str] = (),
) -> None:
    """Run the module and exit; see ``run_task.run_with``. ``otherwise`` is the predicted result."""
    run_with(
        _open, argument_spec, read, act, looks=True, otherwise=Outcome(result=otherwise), foreign=foreign
    )


def _open(*, read_only: bool, **settings: Any) -> AbstractContextManager[Engine]:  # noqa: ARG001  (it is always true)
    return look_at_engine(**settings)
