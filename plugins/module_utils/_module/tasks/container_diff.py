# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a task of module ``container_diff``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.outcome import Outcome
from ..._engine.lifecycle.files.diff import changed_paths
from ..._engine.model.values.text import plain_text
from ..._engine.rootfs.changes import ADDED, CHANGED, DELETED
from ..options import ArgumentSpec

ARGUMENTS: ArgumentSpec = {"container": {"type": "str", "required": True, "aliases": ["name"]}}

#: Result key by kind of change; the key ``changed`` is reserved by Ansible.
_KEYS = {"added": ADDED, "changed_paths": CHANGED, "deleted": DELETED}


def to_name(params: Mapping[str, Any]) -> str:
    """Return the name of the container. Raises InvalidOption."""
    return plain_text("container", params["container"])


def act(engine: Engine, name: str) -> Outcome:
    """Compare the container with its image."""
    found = changed_paths(engine, name)
    return Outcome(
        result={key: [item.path for item in found if item.kind == kind] for key, kind in _KEYS.items()}
    )
