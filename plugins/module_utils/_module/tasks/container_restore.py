# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a task of module ``container_restore``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..._engine.agent.install import exit_command
from ..._engine.lifecycle.checkpoint.restore_task import restore
from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.outcome import Outcome
from ..._engine.model.container.checkpoint import RestoreOptions
from ..options import ArgumentSpec
from .container_checkpoint import without_archive

ARGUMENTS: ArgumentSpec = {
    "name": {"type": "str"},
    "import": {"type": "path", "aliases": ["src"]},
    "keep": {"type": "bool", "default": False},
    "tcp_established": {"type": "bool", "default": False},
    "file_locks": {"type": "bool", "default": False},
    "ignore_rootfs": {"type": "bool", "default": False},
    "ignore_volumes": {"type": "bool", "default": False},
}


class RestoreRequest(NamedTuple):
    """The request of a task; ``remarks`` are warnings to issue first."""

    options: RestoreOptions
    remarks: tuple[str, ...]


def to_request(params: Mapping[str, Any]) -> RestoreRequest:
    """Return the task's request. Raises InvalidOption, naming the option."""
    used, remarks = without_archive(params, "import", ("ignore_rootfs", "ignore_volumes"))
    return RestoreRequest(RestoreOptions.parse(used), remarks)


def act(engine: Engine, request: RestoreRequest) -> Outcome:
    """Restore the container."""
    return restore(engine, request.options, lambda engine: exit_command(engine, keep=False))
