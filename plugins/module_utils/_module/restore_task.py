# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a task of module ``container_restore``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._engine.agent.install import exit_command
from .._engine.lifecycle.engine import Engine
from .._engine.lifecycle.outcome import Outcome
from .._engine.lifecycle.restore import restore
from .._engine.model.checkpoint import RestoreOptions
from .options import ArgumentSpec

ARGUMENTS: ArgumentSpec = {
    "name": {"type": "str"},
    "import": {"type": "path", "aliases": ["src"]},
    "keep": {"type": "bool", "default": False},
    "tcp_established": {"type": "bool", "default": False},
    "file_locks": {"type": "bool", "default": False},
    "ignore_rootfs": {"type": "bool", "default": False},
    "ignore_volumes": {"type": "bool", "default": False},
}


def to_request(params: Mapping[str, Any]) -> RestoreOptions:
    """Return what the task asks for; raises InvalidOption naming the option."""
    return RestoreOptions.parse(params)


def act(engine: Engine, options: RestoreOptions) -> Outcome:
    """Have the container running again."""
    return restore(engine, options, lambda engine: exit_command(engine, keep=False))
