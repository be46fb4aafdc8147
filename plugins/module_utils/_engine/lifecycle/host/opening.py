# SPDX-License-Identifier: GPL-3.0-or-later
"""Open an engine for changes: its directories, its database, and its records, refreshed after a reboot."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...kernel.boot import is_marked
from ...kernel.files import make_private, usual_umask
from ...model.engine.layout import Layout
from ...model.engine.places import DEFAULT_ROOT, DEFAULT_RUN_ROOT
from ...state.database import open_database
from ...state.failures import opening
from ..core import unknown_containers
from ..core.emergency import keep_room
from ..core.engine import Engine
from . import run_root as runroot
from .read_only import boot_of, check_root, look_at_engine


@contextmanager
def open_engine(
    root: str = DEFAULT_ROOT,
    run_root: str = DEFAULT_RUN_ROOT,
    *,
    read_only: bool = False,
    known_alone: bool = False,
    **settings: Any,
) -> Iterator[Engine]:
    """Open the engine at ``root``, with Engine's ``settings`` (runtime, ...).

    ``read_only``: as ``look_at_engine`` does. ``known_alone``: the caller only stops, or cleans up after, a container
    that the database knows, so living containers that it does not know are no reason to refuse. Raises NotRoot,
    OtherRoot, OtherRunRoot, StateIncomplete, and the errors of opening the database.
    """
    if read_only:
        with look_at_engine(root, run_root, foresees=not known_alone, **settings) as engine:
            yield engine
        return
    check_root()
    usual_umask()
    layout = Layout(root, run_root)
    runroot.check_owner(layout)
    with opening(layout.database):
        make_directories(layout)
    keep_room(layout)
    with open_database(layout.database) as database:
        engine = Engine(layout, database, **settings)
        runroot.claim(layout, database)
        swept = os.path.isdir(layout.trials) and _sweep_trials(layout)
        # A database without a boot is new, and may replace one that was lost.
        marked = is_marked(layout.boot_marker) and boot_of(database) is not None
        if not known_alone or not marked:
            unknown_containers.refuse(engine, wide=not marked)
            runroot.claim_run_root(engine)
        if not marked:
            from .refresh import refresh  # once for each boot

            refresh(engine)
        if swept:
            from ..guard.trial_waste import clear_engine

            clear_engine(engine)
        yield engine


def _sweep_trials(layout: Layout) -> bool:
    from ..guard.trial_waste import sweep  # rare: a trial is in progress, or its task was killed

    return sweep(layout)


def make_directories(layout: Layout) -> None:
    """Create the engine's missing directories."""
    for path in layout.directories:
        make_private(path)
