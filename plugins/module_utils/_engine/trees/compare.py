# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare a tree with the one that it was copied from, by metadata, not by content.

Compared are kind, owner, mode, size, device and modification time, as containers/storage does for its driver vfs
(archive.ChangesDirs); of directories not size and time, which depend on their entries. An exact comparison, for callers that
store the changes, adds extended attributes, the number of hard links and directories' times.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple, Optional

from ..model.values.idmap import IdMap
from . import metadata
from .shift import shifted
from .source import Source

ADDED, CHANGED, DELETED = "A", "C", "D"

_Attributes = tuple[tuple[str, bytes], ...]


class _Seen(NamedTuple):
    """An entry's lstat(2), and its extended attributes if the comparison is exact."""

    info: os.stat_result
    attributes: Optional[_Attributes]


_Listing = dict[str, _Seen]


class Change(NamedTuple):
    """A difference: ``path`` is below the root, ``info`` is the present entry's, None when it is deleted."""

    kind: str
    path: str
    info: Optional[os.stat_result]


def changes(
    now: Source, before: Optional[Source], owners: Optional[IdMap] = None, *, exact: bool = False
) -> Iterator[Change]:
    """Yield the differences in order of name, a directory before its entries.

    ``before`` None is an empty tree. ``owners`` is the map with which the copy's owners were made from those of
    ``before``. Entries that vanish meanwhile are left out.
    """
    levels = [_Level(_listing(now, exact), _listing(before, exact) if before else None, owners)]
    while levels:
        level = levels[-1]
        if not level.names:
            levels.pop()
            if levels:
                now.leave()
                if before and level.before is not None:
                    before.leave()
            continue
        name = level.names.pop()
        if change := level.change(name):
            yield change._replace(path="/".join([*now.trail, name]))
        if level.is_directory(name) and _entered(now, name):
            below = before if before and level.was_directory(name) and _entered(before, name) else None
            levels.append(_Level(_listing(now, exact), _listing(below, exact) if below else None, owners))


class _Level:
    """One directory: its entries now and before (None: not one), and the names left, in reverse order."""

    def __init__(self, now: _Listing, before: _Listing | None, owners: Optional[IdMap]) -> None:
        self.now = now
        self.before = before
        self.names = sorted({*now, *(before or ())}, reverse=True)
        self._owners = owners

    def change(self, name: str) -> Change | None:
        now, before = self.now.get(name), (self.before or {}).get(name)
        if now is None:
            return Change(DELETED, "", None)
        if before is None:
            return Change(ADDED, "", now.info)
        return Change(CHANGED, "", now.info) if _sign(now) != _sign(before, self._owners) else None

    def is_directory(self, name: str) -> bool:
        return _is_directory(self.now.get(name))

    def was_directory(self, name: str) -> bool:
        return _is_directory((self.before or {}).get(name))


def _sign(seen: _Seen, owners: Optional[IdMap] = None) -> tuple[object, ...]:
    info = seen.info
    owner = owners.host(info.st_uid, info.st_gid) if owners else (info.st_uid, info.st_gid)
    sign = (info.st_mode, owner, *_exactly(seen, owners))
    return sign if stat.S_ISDIR(info.st_mode) else (*sign, info.st_rdev, info.st_size, info.st_mtime_ns)


def _exactly(seen: _Seen, owners: Optional[IdMap]) -> tuple[object, ...]:
    if seen.attributes is None:
        return ()
    pairs = seen.attributes
    attributes = tuple((name, shifted(name, value, owners)) for name, value in pairs) if owners else pairs
    # A directory's entries show in its time; a file with a changed number of links is written again, or the link is lost.
    own = seen.info.st_mtime_ns if stat.S_ISDIR(seen.info.st_mode) else seen.info.st_nlink
    return attributes, own


def _is_directory(seen: Optional[_Seen]) -> bool:
    return seen is not None and stat.S_ISDIR(seen.info.st_mode)


def _listing(source: Source, exact: bool) -> _Listing:  # noqa: FBT001  (of this file alone)
    found = {}
    for place, entry in source.entries():
        try:
            info = entry.stat(follow_symlinks=False)
            attributes = metadata.portable(f"/proc/self/fd/{place}/{entry.name}") if exact else None
        except FileNotFoundError:
            continue
        found[entry.name] = _Seen(info, attributes)
    return found


def _entered(source: Source, name: str) -> bool:
    try:
        source.enter(name)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
