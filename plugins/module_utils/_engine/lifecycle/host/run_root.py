# SPDX-License-Identifier: GPL-3.0-or-later
"""Remember in the root which run root it is used with in this boot, and in the run root which root it belongs to.

Two run roots for one root are two engines that both believe that they own the containers: another is refused while containers
live with the first. Two roots for one run root share locks, exit files and the health checker, and each takes the other's
containers for its own that were lost: another is refused as long as the first root is there.
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
    return _of_this_boot(layout.run_root_note)


def recorded(root: str) -> str | None:
    """Return the run root that a root was last used with, in whatever boot; None when it is not known."""
    return _read(Layout(root).run_root_note)[1]


def _of_this_boot(note: str) -> str | None:
    boot, path = _read(note)
    return path if boot == boot_id() else None


def _read(note: str) -> tuple[str, str | None]:
    """Return the boot and the path of a note; what can't be read as one says nothing."""
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
    )  # a power cut is the end of the boot that it is about


def _living(connection: sqlite3.Connection) -> Iterator[str]:
    records = containers.all(connection)
    return (record.name for record in records if alive(record.process) is not None)


def _noted(layout: Layout) -> Iterator[str]:
    for container_id in ids_below(layout.runtime_root):
        if noted(layout.runtime_root, container_id) is not None:
            yield name_of(layout, container_id) or container_id[:12]


# -- the root of a run root --------------------------------------------------------------------------


def check_owner(layout: Layout) -> None:
    """Raise OtherRoot when the run root belongs to another root in this boot; reads and writes nothing but that."""
    owner = _of_this_boot(layout.root_note)
    if owner is None or owner == os.path.realpath(layout.root) or not _is_another(layout, owner):
        return
    names = sorted(_noted(Layout(owner, layout.run_root)))
    live = f" ({', '.join(names)} live{'s' if len(names) == 1 else ''} with it)" if names else ""
    raise OtherRoot(
        f"run_root {layout.run_root} belongs to root {owner}{live}, and not to {layout.root}",
        remedy=Words(
            "Give each root a run root of its own: write another ",
            Setting("run_root"),
            ", or write ",
            Setting("root", owner),
            f" if that one is meant. If it is not used any more, and nothing of it runs, remove {layout.root_note}",
        ),
        root=owner,
        run_root=layout.run_root,
        containers=names,
    )


def _is_another(layout: Layout, owner: str) -> bool:
    """Return whether there is an engine at a root, and it is not this one at another place: moved, or mounted at two."""
    there = Layout(owner)
    if not (os.path.lexists(there.database) or os.path.isdir(there.containers)):
        return False
    try:
        return not os.path.samefile(there.root, layout.root)
    except FileNotFoundError:  # this one is not made yet
        return True


def claim_run_root(engine: Engine) -> None:
    """Record in the run root which root it belongs to; raises OtherRoot as ``check_owner`` does."""
    layout = engine.layout
    if _of_this_boot(layout.root_note) == os.path.realpath(layout.root):
        return
    with engine.lock_boot("claim the run root"):
        check_owner(layout)  # of two that come at once the second sees the first's
        new = f"{layout.root_note}.new"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as stream:
            stream.write(_text(layout.root))
        os.rename(new, layout.root_note)
