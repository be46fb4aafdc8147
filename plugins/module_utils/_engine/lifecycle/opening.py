# SPDX-License-Identifier: GPL-3.0-or-later
"""Open an engine to act: its directories, its database, its records brought up to the boot of the host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..kernel.boot import is_marked
from ..kernel.files import make_private, usual_umask
from ..model.layout import Layout
from ..model.places import DEFAULT_ROOT, DEFAULT_RUN_ROOT
from ..state.database import open_database
from .engine import Engine
from .looking import check_root, look_at_engine


@contextmanager
def open_engine(
    root: str = DEFAULT_ROOT, run_root: str = DEFAULT_RUN_ROOT, *, read_only: bool = False, **settings: Any
) -> Iterator[Engine]:
    """Open the engine at ``root``; ``settings``: those of Engine (runtime, ...). ``read_only`` is ``look_at_engine``.

    Raises NotRoot, StateBusy, StateCorrupt, StateTooNew.
    """
    if read_only:
        with look_at_engine(root, run_root, **settings) as engine:
            yield engine
        return
    check_root()
    usual_umask()
    layout = Layout(root, run_root)
    make_directories(layout)
    with open_database(layout.database) as database:
        engine = Engine(layout, database, **settings)
        if not is_marked(layout.boot_marker):
            from .refresh import refresh  # once for each boot

            refresh(engine)
        yield engine


def make_directories(layout: Layout) -> None:
    """Make the engine's directories, all 0700: what lies below is nobody else's business."""
    for path in (layout.root, layout.staging, layout.layers, layout.volumes, layout.containers):
        make_private(path)
    for path in (layout.run_root, layout.locks, layout.exits, layout.runtime_root, layout.run_containers):
        make_private(path)
