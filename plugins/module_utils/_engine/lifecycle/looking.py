# SPDX-License-Identifier: GPL-3.0-or-later
"""Open an engine to look, or to predict: nothing is made or changed, and little is imported."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import NotRoot, Setting, Words
from ..kernel.boot import is_marked
from ..model.layout import Layout
from ..model.places import DEFAULT_ROOT, DEFAULT_RUN_ROOT
from ..state.database import open_database
from .engine import Engine


@contextmanager
def look_at_engine(
    root: str = DEFAULT_ROOT, run_root: str = DEFAULT_RUN_ROOT, **settings: Any
) -> Iterator[Engine]:
    """Open a copy of the engine's database in memory, as a task that acts would find it.

    Raises NotRoot, StateBusy, StateCorrupt, StateTooNew.
    """
    check_root()
    layout = Layout(root, run_root)
    with open_database(layout.database, read_only=True) as database:
        if not is_marked(layout.boot_marker):
            from .refreshed_rows import foresee  # once for each boot

            foresee(database)
        yield Engine(layout, database, predicting=True, **settings)


def check_root() -> None:
    """Raise NotRoot unless we are root."""
    if os.geteuid() != 0:
        raise NotRoot("the engine needs root", remedy=Words("Write ", Setting("become", True)))
