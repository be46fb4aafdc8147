# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell where a container's log is."""

from __future__ import annotations

from ...model.container import log_options
from ...model.engine.record import ContainerRecord
from ...runtime.logs import FileLog, Log
from .engine import Engine


def log_path(engine: Engine, record: ContainerRecord) -> str:
    """Return where conmon writes the container's log, if that is a file."""
    return (record.spec.log_opt or {}).get("path", engine.layout.container(record.id).log)


def log_of(engine: Engine, record: ContainerRecord) -> Log:
    """Return the container's log, to be read."""
    if record.spec.log_driver == log_options.JOURNAL:
        from ...runtime.journal import JournalLog

        return JournalLog(record.id)
    return FileLog(log_path(engine, record))
