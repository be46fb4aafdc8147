# SPDX-License-Identifier: GPL-3.0-or-later
"""Remember in the root which run root it is used with in this boot, and refuse another while containers live with that one.

Two run roots for one root are two engines that both believe that they own the containers.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress

from ..errors import OtherRunRoot, Setting, Words
from ..kernel.boot import boot_id
from ..model.layout import Layout
from ..state import containers
from ..state.database import Database
from .facts import alive
from .strangers import ids_below, name_of, noted

_LIMIT = 8192


def check(layout: Layout, database: Database) -> None:
    """Raise OtherRunRoot when containers of this root live with another run root; a reboot forgets which it was."""
    if _other(layout) is not None:
        with database.reading() as connection:
            _refuse(layout, connection)


def claim(layout: Layout, database: Database) -> None:
    """Do the same, and remember this run root."""
    if _remembered(layout) == os.path.realpath(layout.run_root):
        return
    with database.transaction() as connection:  # of two that come at once the second sees the first's
        _refuse(layout, connection)
        _remember(layout)


def _refuse(layout: Layout, connection: sqlite3.Connection) -> None:
    other = _other(layout)
    names = sorted({*_living(connection), *_noted(Layout(layout.root, other))}) if other is not None else []
    if names:
        one = len(names) == 1
        raise OtherRunRoot(
            f"{layout.root} is in use with run_root {other}, where {', '.join(names)} live{'s' if one else ''}, "
            f"and not with {layout.run_root}",
            remedy=Words(
                "Write ",
                Setting("run_root", other),
                f", or stop {'it' if one else 'them'} with that one first",
            ),
            root=layout.root,
            run_root=other,
            containers=names,
        )


def _other(layout: Layout) -> str | None:
    found = _remembered(layout)
    return None if found == os.path.realpath(layout.run_root) else found


def _remembered(layout: Layout) -> str | None:
    """Return the run root of this boot, None when there was none yet."""
    with suppress(FileNotFoundError):
        with open(layout.run_root_note, encoding="utf-8", errors="surrogateescape") as stream:
            boot, _blank, path = stream.read(_LIMIT).rstrip("\n").partition(" ")
        if boot == boot_id() and path.startswith("/"):
            return path
    return None


def _remember(layout: Layout) -> None:
    from .beside import put

    text = os.fsencode(f"{boot_id()} {os.path.realpath(layout.run_root)}\n")
    put(
        layout, layout.run_root_note, text, durable=False
    )  # a power cut is the end of the boot that it is about


def _living(connection: sqlite3.Connection) -> Iterator[str]:
    records = containers.all(connection)
    return (record.name for record in records if alive(record.process) is not None)


def _noted(layout: Layout) -> Iterator[str]:
    for container_id in ids_below(layout.runtime_root):
        if noted(layout.runtime_root, container_id) is not None:
            yield name_of(layout, container_id) or container_id[:12]
