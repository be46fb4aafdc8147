# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory tree as data, with all that an archive of it has to keep."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path


def _xattrs(path):
    names = [
        name for name in os.listxattr(path, follow_symlinks=False) if not name.startswith("trusted.overlay.")
    ]
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in sorted(names)}


def _content(path, found):
    if stat.S_ISLNK(found.st_mode):
        return os.readlink(path)
    if stat.S_ISREG(found.st_mode):
        return found.st_size, hashlib.sha256(Path(os.fsdecode(path)).read_bytes()).hexdigest()
    return found.st_rdev if stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode) else None


def _paths(top):
    yield top
    with os.scandir(top) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                yield from _paths(entry.path)
            else:
                yield entry.path


def listing(top: str | os.PathLike[str], *, ghosts: bool = False) -> dict[bytes, dict[str, object]]:
    """Return all of a tree: a dict by path below its top.

    ``ghosts``: names that are listed and not there are left out, as overlayfs lists a whiteout in a directory of one layer alone.
    """
    top = os.fsencode(top)
    groups = {}
    tree = {}
    for path in _paths(top):
        if ghosts and not os.path.lexists(path):
            continue
        found = os.lstat(path)
        name = path[len(top) + 1 :]
        group = groups.setdefault((found.st_dev, found.st_ino), name) if found.st_nlink > 1 else name
        tree[name] = {
            "mode": oct(found.st_mode),
            "owner": (found.st_uid, found.st_gid),
            "mtime": found.st_mtime_ns,
            "content": _content(path, found),
            "xattrs": _xattrs(path),
            "linked with": None if stat.S_ISDIR(found.st_mode) else group,
        }
    return tree
