# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells in what a tree differs from the one that it was copied from, by what the kernel says of each entry, not by content.

As containers/storage does it for its driver vfs (archive.ChangesDirs): kind, owner, mode, size, device, and the time of the last
change; a directory's size and time are not its own doing. Exactly, for who keeps what has changed, it is more:
extended attributes, how many names a file has, a directory's time.
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
    """An entry's lstat, and its extended attributes where they count."""

    info: os.stat_result
    attributes: Optional[_Attributes]


_Listing = dict[str, _Seen]


class Change(NamedTuple):
    """One entry that differs: ``path`` below the root, ``info`` what is there now, None when it is gone."""

    kind: str
    path: str
    info: Optional[os.stat_result]


def changes(
    now: Source, before: Optional[Source], owners: Optional[IdMap] = None, *, exact: bool = False
) -> Iterator[Change]:
    """Yield what differs, in the order of names, a directory before what is in it.

    ``before`` None is an empty tree. ``owners``: those that the copy got are those of ``before`` mapped so. What vanishes
    meanwhile is left out.
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
    """One directory: what it holds now and held before, None where it was none, and the names still to come, the first last."""

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
    # The names of a directory are its entries; one that was linked elsewhere is written with that name, or the link is lost.
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
