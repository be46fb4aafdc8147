# SPDX-License-Identifier: GPL-3.0-or-later
"""A digest of all that the result of an unchanged task depends on, without decoding any of it.

The same digest means the same result. In any unusual situation, or if the engine would have to correct something, there is
no digest. Imported by each task, so it imports no heavier parts of the engine.
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
#: Bytes to read of a file that the options name, or of one in /proc.
_LIMIT = 1024 * 1024
#: As in runtime/apparmor.py.
_APPARMOR, _PROFILES = "/sys/module/apparmor/parameters/enabled", "/sys/kernel/security/apparmor/profiles"


def is_usual(layout: Layout) -> bool:
    """Return whether the engine is as a task leaves it: initialised in this boot, with nothing to sweep."""
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
    """Return the digest of the stored rows and of the host's state; None if in doubt."""
    try:
        if not agrees(layout, stored.row) or _strange(layout, stored.known):
            return None
        parts = (stored.text, *_host(stored.row["pid"]))
    except OSError:
        return None
    return None if None in parts else hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


def contents(paths: Iterable[str]) -> Mapping[str, str] | None:
    """Return the digests of files that a task reads, by path; None unless all are regular and small."""
    found = {path: _content(path) for path in paths}
    digests = {path: hashlib.sha256(text).hexdigest() for path, text in found.items() if text is not None}
    return digests if len(digests) == len(found) else None


def _content(path: str) -> bytes | None:
    try:
        # O_PATH first: opening a pipe or a device may block, or have side effects.
        looked_at = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            info = os.fstat(looked_at)
            plain = stat.S_ISREG(info.st_mode) and info.st_size <= _LIMIT
            text = _read(f"/proc/self/fd/{looked_at}") if plain else None
        finally:
            os.close(looked_at)
    except (OSError, ValueError):  # no such file, or an impossible path
        return None
    # A file whose content the kernel generates has a wrong size; the full convergence refuses it.
    return text if text is not None and len(text) == info.st_size else None


def agrees(layout: Layout, row: sqlite3.Row) -> bool:
    """Return whether the facts agree with the row, and no verb works on the container.

    See core/facts.py and plan/settle.py.
    """
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
    from ...kernel.cgroup.freezer import is_frozen  # only needed for a living process

    return is_frozen(pid)


def _strange(layout: Layout, known: frozenset[str]) -> bool:
    """Return whether a container may be alive that the database does not know."""
    found = {*_names(layout.runtime_root), *_names(layout.run_containers)}
    return any(len(name) == _ID_LENGTH for name in found - known)


def _host(pid: int | None) -> Iterator[object]:
    """Yield what the host adds to a result: host name, cgroup mounts, capabilities, AppArmor profile."""
    yield os.uname().nodename
    yield [line for line in _lines("/proc/self/mountinfo") if b" - cgroup" in line]
    yield [line for line in _lines("/proc/self/status") if line.startswith(b"CapBnd:")]
    confined = (_read(_APPARMOR) or b"").startswith(b"Y") and os.path.exists(_PROFILES)
    # The profile of a container that does not run depends on the loaded profiles: None means doubt.
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
