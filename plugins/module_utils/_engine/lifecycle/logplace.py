# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell where a container's log is."""

from __future__ import annotations

from ..model.record import ContainerRecord
from .engine import Engine


def log_path(engine: Engine, record: ContainerRecord) -> str:
    """Return where conmon writes the container's log."""
    return (record.spec.log_opt or {}).get("path", engine.layout.container(record.id).log)
