# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at all that the result of a task which finds its container as asked for depends on, and decode none of it.

What is seen is a digest: the same one means the same result. Whatever is not as usual, and whatever the engine would put right,
is not seen at all. Imported at each task, so it imports nothing of the engine's heavier parts.
"""

from __future__ import annotations

import hashlib
import os
import stat

from ...kernel import procstat
from ...kernel.boot import boot_id
from ...model.container import status

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

    from ...model.engine.layout import Layout
    from ...state.stored_rows import Stored

_ID_LENGTH = 64
#: Bytes of a file that the options name, and of one of /proc.
_LIMIT = 1024 * 1024
#: As runtime/apparmor.py has them.
_APPARMOR, _PROFILES = "/sys/module/apparmor/parameters/enabled", "/sys/kernel/security/apparmor/profiles"


def is_usual(layout: Layout) -> bool:
    """Tell whether the engine is as a task leaves it: ours, of this boot, with nothing to sweep."""
    boot = boot_id()
    notes = (
        (layout.boot_marker, boot),
        (layout.root_note, f"{boot} {os.path.realpath(layout.root)}"),
        (layout.run_root_note, f"{boot} {os.path.realpath(layout.run_root)}"),
    )
    return (
        os.geteuid() == 0
        and all(_read(path) == os.fsencode(f"{text}\n") for path, text in notes)
        and all(map(os.path.isdir, layout.directories))
        and all(map(os.path.exists, layout.spare))
        and not _names(layout.trials)
    )


def seen(layout: Layout, stored: Stored) -> str | None:
    """Return the digest of what is stored and of what is seen besides; None where in doubt."""
    try:
        if not agrees(layout, stored.row) or _strange(layout, stored.known):
            return None
        parts = (stored.text, *_host(stored.row["pid"]))
    except OSError:
        return None
    return None if None in parts else hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


def contents(paths: Iterable[str]) -> Mapping[str, str] | None:
    """Return the digests of files that a task reads, by path; None for anything else than plain files of a usual size."""
    found = {path: _content(path) for path in paths}
    digests = {path: hashlib.sha256(text).hexdigest() for path, text in found.items() if text is not None}
    return digests if len(digests) == len(found) else None


def _content(path: str) -> bytes | None:
    try:
        # Looked at first: to open a pipe or a device in earnest may block or act.
        looked_at = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            info = os.fstat(looked_at)
            plain = stat.S_ISREG(info.st_mode) and info.st_size <= _LIMIT
            text = _read(f"/proc/self/fd/{looked_at}") if plain else None
        finally:
            os.close(looked_at)
    except (OSError, ValueError):  # no such file, or what no path can be
        return None
    # What the kernel makes up as it is read, which the whole way refuses, has another size than it says, or none.
    return text if text is not None and len(text) == info.st_size else None


def agrees(layout: Layout, row: sqlite3.Row) -> bool:
    """Tell whether the facts are what the row says, of a container that nobody is at work on (core/facts.py, plan/settle.py)."""
    if row["intent"] or os.path.lexists(layout.lock("name", row["name"])):
        return False
    if row["status"] in (status.CONFIGURED, status.EXITED):
        return row["pid"] is None and not os.path.lexists(f"{layout.runtime_root}/{row['id']}")
    lives = _lives(row["pid"], row["pid_start"]) and _lives(row["monitor_pid"], row["monitor_start"])
    return (
        row["status"] in status.ALIVE and lives and _is_frozen(row["pid"]) == (row["status"] == status.PAUSED)
    )


def _lives(pid: int | None, start_time: int | None) -> bool:
    if pid is None:
        return False
    fields = procstat.stat(pid)
    return procstat.runs(fields) and procstat.start_time(fields) == start_time


def _is_frozen(pid: int) -> bool:
    from ...kernel.cgroup.freezer import is_frozen  # only where something lives

    return is_frozen(pid)


def _strange(layout: Layout, known: frozenset[str]) -> bool:
    """Tell whether something may live that the database does not know."""
    found = {*_names(layout.runtime_root), *_names(layout.run_containers)}
    return any(len(name) == _ID_LENGTH for name in found - known)


def _host(pid: int | None) -> Iterator[object]:
    """Yield what the host adds to a container's result: its name, its cgroups, what it has to give, who confines the process."""
    yield os.uname().nodename
    yield [line for line in _lines("/proc/self/mountinfo") if b" - cgroup" in line]
    yield [line for line in _lines("/proc/self/status") if line.startswith(b"CapBnd:")]
    confined = (_read(_APPARMOR) or b"").startswith(b"Y") and os.path.exists(_PROFILES)
    # Which profile one that does not run would get takes a look at those that are loaded: that is in doubt.
    yield _read(f"/proc/{pid}/attr/current") if confined else b""


def _lines(path: str) -> list[bytes]:
    with open(path, "rb") as stream:
        return stream.read().split(b"\n")


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read(_LIMIT)
    except OSError:
        return None


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []
