# SPDX-License-Identifier: GPL-3.0-or-later
"""Open an engine for reading, or for check mode: nothing is created or changed, and little is imported."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...errors import EngineError, NotRoot, Setting, Words
from ...kernel.boot import is_marked
from ...model.engine.layout import Layout
from ...model.engine.places import DEFAULT_ROOT, DEFAULT_RUN_ROOT
from ...state import meta
from ...state.database import Database, open_database
from ..core import unknown_containers
from ..core.engine import Engine
from . import run_root as runroot


@contextmanager
def look_at_engine(
    root: str = DEFAULT_ROOT, run_root: str = DEFAULT_RUN_ROOT, *, foresees: bool = False, **settings: Any
) -> Iterator[Engine]:
    """Open an in-memory copy of the engine's database, in the state that a task that acts would find.

    ``foresees``: predict an action, so refuse now what the action would refuse. Raises NotRoot, OtherRoot, OtherRunRoot,
    StateIncomplete, and the errors of opening the database.
    """
    check_root()
    layout = Layout(root, run_root)
    runroot.check_owner(layout)
    with open_database(layout.database, read_only=True) as database:
        engine = Engine(layout, database, predicting=True, **settings)
        runroot.check(layout, database)
        marked = is_marked(layout.boot_marker) and boot_of(database) is not None
        if foresees:
            unknown_containers.refuse(engine, wide=not marked)
        if not marked:
            from .refreshed_rows import foresee  # once for each boot

            foresee(database)
        yield engine


def unknown(engine: Engine) -> tuple[EngineError, ...]:
    """Return the error for living containers that are not in the database, for readers to report."""
    marked = is_marked(engine.layout.boot_marker) and boot_of(engine.database) is not None
    found = unknown_containers.strangers(engine, wide=not marked)
    return (unknown_containers.incomplete(engine, found),) if found else ()


def boot_of(database: Database) -> str | None:
    """Return the boot id that the records belong to, None in a new database."""
    with database.reading() as connection:
        return meta.get(connection, meta.BOOT)


def check_root() -> None:
    """Check that the effective user is root. Raises NotRoot."""
    if os.geteuid() != 0:
        raise NotRoot("the engine needs root", remedy=Words("Write ", Setting("become", True)))
