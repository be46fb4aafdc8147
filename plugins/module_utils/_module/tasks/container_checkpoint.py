# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a task of module ``container_checkpoint``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._engine.lifecycle.checkpoint.checkpoint import checkpoint
from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.lookup import find
from ..._engine.lifecycle.core.outcome import Outcome
from ..._engine.model.container.checkpoint import COMPRESSIONS, CheckpointOptions
from ..._engine.model.values.text import plain_text
from ..options import ArgumentSpec

ARGUMENTS: ArgumentSpec = {
    "name": {"type": "str", "required": True},
    "leave_running": {"type": "bool", "default": False},
    "keep": {"type": "bool", "default": False},
    "tcp_established": {"type": "bool", "default": False},
    "file_locks": {"type": "bool", "default": False},
    "export": {"type": "path"},
    "compress": {"type": "str", "choices": [*COMPRESSIONS]},
    "ignore_rootfs": {"type": "bool", "default": False},
    "ignore_volumes": {"type": "bool", "default": False},
}


@dataclass(frozen=True)
class CheckpointRequest:
    """A container, by name or ID, and the options of its checkpoint."""

    name: str
    options: CheckpointOptions
    remarks: tuple[str, ...] = ()


def without_archive(
    params: Mapping[str, Any], archive: str, options: Sequence[str]
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Return the options without those that need an archive if there is none, and warnings about them."""
    vain = [name for name in options if params[archive] is None and params[name]]
    used = {name: value for name, value in params.items() if name not in vain}
    return used, tuple(f"{name} has no effect without {archive}" for name in vain)


def to_request(params: Mapping[str, Any]) -> CheckpointRequest:
    """Return the task's request. Raises InvalidOption, naming the option."""
    used, remarks = without_archive(params, "export", ("ignore_rootfs", "ignore_volumes", "compress"))
    return CheckpointRequest(plain_text("name", params["name"]), CheckpointOptions.parse(used), remarks)


def act(engine: Engine, request: CheckpointRequest) -> Outcome:
    """Create the checkpoint."""
    return checkpoint(engine, find(engine, request.name), request.options)
