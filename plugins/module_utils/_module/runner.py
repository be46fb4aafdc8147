# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module that may change something."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from .._engine.lifecycle.core.engine import Engine
from .._engine.lifecycle.core.outcome import Outcome
from .._engine.lifecycle.host.opening import open_engine
from .ansible_module import Module
from .options import ArgumentSpec
from .run_task import run_with

Request = TypeVar("Request")


def run(
    argument_spec: ArgumentSpec,
    read: Callable[[Mapping[str, Any]], Request | None],
    act: Callable[[Engine, Request], Outcome],
    *,
    otherwise: str,
    files: bool = False,
    foreign: Sequence[str] = (),
    result: Mapping[str, Any] = MappingProxyType({}),
    begun: Module | None = None,
) -> None:
    """Run the module and exit, see ``run_task.run_with``; ``otherwise`` and ``result`` are its prediction."""
    foretold = Outcome((otherwise,), result=result)
    run_with(
        open_engine,
        argument_spec,
        read,
        act,
        looks=False,
        files=files,
        otherwise=foretold,
        foreign=foreign,
        begun=begun,
    )
