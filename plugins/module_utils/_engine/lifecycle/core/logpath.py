# SPDX-License-Identifier: GPL-3.0-or-later
"""The location of a container's log."""

from __future__ import annotations

from ...model.container import log_options
from ...model.engine.record import ContainerRecord
from ...runtime.logs import FileLog, Log
from .engine import Engine


def log_path(engine: Engine, record: ContainerRecord) -> str:
    """Return the path of the container's log, if its driver writes a file."""
    return (record.spec.log_opt or {}).get("path", engine.layout.container(record.id).log)


def log_of(engine: Engine, record: ContainerRecord) -> Log:
    """Return a reader of the container's log."""
    if record.spec.log_driver == log_options.JOURNAL:
        from ...runtime.journal import JournalLog

        return JournalLog(record.id)
    return FileLog(log_path(engine, record))
