# SPDX-License-Identifier: GPL-3.0-or-later
"""Record in the root which run root it uses in this boot, and in the run root which root owns it.

One root with two run roots is two engines that both believe they own the containers: a second run root is refused while
containers live with the first. Two roots with one run root share locks, exit files and the health checker, and each mistakes
the other's containers for lost ones of its own: a second root is refused as long as the first exists.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress

from ...errors import OtherRoot, OtherRunRoot, Setting, Words
from ...kernel.boot import boot_id
from ...model.engine.layout import Layout
from ...state import containers
from ...state.database import Database
from ..core.engine import Engine
from ..core.facts import alive
from ..core.unknown_containers import ids_below, name_of, noted

_LIMIT = 8192


def check(layout: Layout, database: Database) -> None:
    """Check that no container of this root lives with another run root in this boot. Raises OtherRunRoot."""
    if _other(layout) is not None:
        with database.reading() as connection:
            _refuse(layout, connection)


def claim(layout: Layout, database: Database) -> None:
    """Check as ``check`` does, and record this run root. Raises OtherRunRoot."""
    if _remembered(layout) == os.path.realpath(layout.run_root):
        return
    with database.transaction() as connection:  # of two concurrent claims the second sees the first's record
        _refuse(layout, connection)
        _remember(layout)


def _refuse(layout: Layout, connection: sqlite3.Connection) -> None:
    other = _other(layout)
    names = sorted({*_living(connection), *_noted(Layout(layout.root, other))}) if other is not None else []
    if names:
        one = len(names) == 1
        raise OtherRunRoot(
            f"root {layout.root} is in use with run_root {other}, where {', '.join(names)} live{'s' if one else ''}, "
            f"and not with {layout.run_root}",
            remedy=Words(
                "Write ",
                Setting("run_root", other),
                f", or stop {'it' if one else 'them'} there first",
            ),
            root=layout.root,
            run_root=other,
            containers=names,
        )


def _other(layout: Layout) -> str | None:
    found = _remembered(layout)
    return None if found == os.path.realpath(layout.run_root) else found


def _remembered(layout: Layout) -> str | None:
    """Return the run root recorded in this boot, None when there is none."""
    return _of_this_boot(layout.run_root_note)


def recorded(root: str) -> str | None:
    """Return the run root that a root was last used with, in any boot; None when it is unknown."""
    return _read(Layout(root).run_root_note)[1]


def _of_this_boot(note: str) -> str | None:
    boot, path = _read(note)
    return path if boot == boot_id() else None


def _read(note: str) -> tuple[str, str | None]:
    """Return the boot id and the path in a note; "" and None when it can't be read."""
    with suppress(OSError):
        fd = os.open(note, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(fd, encoding="utf-8", errors="surrogateescape") as stream:
            boot, _blank, path = stream.read(_LIMIT).rstrip("\n").partition(" ")
        return boot, path if path.startswith("/") else None
    return "", None


def _text(path: str) -> bytes:
    return os.fsencode(f"{boot_id()} {os.path.realpath(path)}\n")


def _remember(layout: Layout) -> None:
    from ..core.sidecars import put

    text = _text(layout.run_root)
    put(
        layout, layout.run_root_note, text, durable=False
    )  # the note is about this boot, which a power loss ends


def _living(connection: sqlite3.Connection) -> Iterator[str]:
    records = containers.all(connection)
    return (record.name for record in records if alive(record.process) is not None)


def _noted(layout: Layout) -> Iterator[str]:
    for container_id in ids_below(layout.runtime_root):
        if noted(layout.runtime_root, container_id) is not None:
            yield name_of(layout, container_id) or container_id[:12]


# -- the owner of a run root -------------------------------------------------------------------------


def check_owner(layout: Layout) -> None:
    """Check that the run root belongs to no other root in this boot. Raises OtherRoot; writes nothing."""
    owner = _of_this_boot(layout.root_note)
    if owner is None or owner == os.path.realpath(layout.root) or not _is_another(layout, owner):
        return
    names = sorted(_noted(Layout(owner, layout.run_root)))
    live = f" ({', '.join(names)} live{'s' if len(names) == 1 else ''} with it)" if names else ""
    raise OtherRoot(
        f"run_root {layout.run_root} belongs to root {owner}{live}, and not to {layout.root}",
        remedy=Words(
            "Use a separate run root for each root: write another ",
            Setting("run_root"),
            ", or write ",
            Setting("root", owner),
            f" if you mean that one. If it is no longer used, and none of its containers runs, remove {layout.root_note}",
        ),
        root=owner,
        run_root=layout.run_root,
        containers=names,
    )


def _is_another(layout: Layout, owner: str) -> bool:
    """Return whether the owner is a different, existing engine, and not this one moved or mounted twice."""
    there = Layout(owner)
    if not (os.path.lexists(there.database) or os.path.isdir(there.containers)):
        return False
    try:
        return not os.path.samefile(there.root, layout.root)
    except FileNotFoundError:  # this root does not exist yet
        return True


def claim_run_root(engine: Engine) -> None:
    """Record in the run root which root owns it. Raises OtherRoot as ``check_owner`` does."""
    layout = engine.layout
    if _of_this_boot(layout.root_note) == os.path.realpath(layout.root):
        return
    with engine.lock_boot("claim the run root"):
        check_owner(layout)  # of two concurrent claims the second sees the first's record
        new = f"{layout.root_note}.new"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as stream:
            stream.write(_text(layout.root))
        os.rename(new, layout.root_note)
