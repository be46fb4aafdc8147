# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, measure and remove the directory of a volume: ``VOLUMES/NAME/data``."""

from __future__ import annotations

import os
import tempfile
from typing import Optional

from ..errors import InvalidOption
from ..kernel import files
from ..kernel.removal import remove_tree
from ..trees.cursor import DIRECTORY, identity, walk

#: ``data`` while its owner and mode are not yet set.
_UNFINISHED = ".data"

_BLOCK = 512


def create(
    volumes_dir: str,
    name: str,
    *,
    uid: Optional[int] = None,
    gid: Optional[int] = None,
    mode: Optional[int] = None,
) -> str:
    """Create the volume's directory, or complete a partial one, and return its path.

    The directory itself is 0700. ``data`` in it gets the owner (default root) and mode (default 0755) only when it is
    created: an existing one belongs to the containers that use it.
    """
    volume = _path(volumes_dir, name)
    files.make_private(volume)
    if not _has_data(volume):
        _make_data(volume, uid or 0, gid or 0, 0o755 if mode is None else mode)
        files.fsync_directory(volume)
        files.fsync_directory(volumes_dir)
    return volume


def is_made(volumes_dir: str, name: str) -> bool:
    """Return whether the volume's directory exists and is complete."""
    volume = _path(volumes_dir, name)
    return os.path.isdir(volume) and _has_data(volume)


def _has_data(volume: str) -> bool:
    # Listed, without stat(2) of the mount: a lost file server would never answer.
    return "data" in os.listdir(volume)


def _make_data(volume: str, uid: int, gid: int, mode: int) -> None:
    """Create ``data`` under another name first, so that it never exists without its owner and mode."""
    unfinished = os.path.join(volume, _UNFINISHED)
    remove_tree(unfinished)
    os.mkdir(unfinished, 0o700)
    os.chown(unfinished, uid, gid)
    os.chmod(unfinished, mode)
    os.rename(unfinished, os.path.join(volume, "data"))


def remove(volumes_dir: str, name: str, *, trash: str) -> None:
    """Remove the volume with its data; do nothing if it does not exist.

    It is renamed into ``trash`` (same file system) first, so that it disappears at once and as a whole; ``sweep``
    deletes what a kill leaves there.
    """
    volume = _path(volumes_dir, name)
    files.make_private(trash)
    doomed = tempfile.mkdtemp(prefix="volume-", dir=trash)
    try:
        os.rename(volume, os.path.join(doomed, name))
        files.fsync_directory(volumes_dir)
    except FileNotFoundError:
        pass
    remove_tree(doomed)


def sweep(trash: str) -> None:
    """Delete what a killed ``remove`` left in the trash; no other process may remove volumes meanwhile."""
    if os.path.isdir(trash):
        for name in os.listdir(trash):
            remove_tree(os.path.join(trash, name))


def is_empty(volumes_dir: str, name: str) -> bool:
    """Return whether the volume is empty. Raises FileNotFoundError when it does not exist."""
    return not os.listdir(os.path.join(_path(volumes_dir, name), "data"))


def size(volumes_dir: str, name: str) -> int:
    """Return the disk use of the volume's content in bytes, hard links counted once, as du(1) does.

    Raises FileNotFoundError when the volume does not exist, OSError (ESTALE) when a directory was moved meanwhile.
    """
    root = os.open(os.path.join(_path(volumes_dir, name), "data"), DIRECTORY)
    try:
        blocks = {identity(info): info.st_blocks for _parent, _name, info in walk(root)}
    finally:
        os.close(root)
    return sum(blocks.values()) * _BLOCK


def _path(volumes_dir: str, name: str) -> str:
    if not name or "/" in name or "\0" in name or name in (".", ".."):
        raise InvalidOption("name", name, "is not a volume name", remedy="Use letters, digits, _ . -")
    return os.path.join(volumes_dir, name)
