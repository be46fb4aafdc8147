# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a container's log: the one that conmon writes, and its predecessors, PATH.1 the newest.

A rotation (runtime/rotation.py) renames each file, possibly while others read. Files keep their inodes, so
that a reader with open descriptors loses nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, Optional

from ..errors import InvalidOption, WrongState
from ..kernel import untrusted_files

_OPTION = "log_opt"
#: The suffix of the new file while conmon reopens its log (ctr_logging.c, reopen_k8s_file).
_ANEW = ".tmp"
#: More files than anyone keeps; a search for the next one ends here.
MOST_FILES = 100
#: Opening the files is faster than a rotation, so a second try usually finds them stable; after the last try
#: they are read regardless.
_TRIES = 10


def check_place(path: str) -> None:
    """Check that no other user can redirect the log, which conmon writes as root. Raises InvalidOption.

    conmon follows symlinks at both paths that it opens: the log's, and that of the new file when it reopens
    the log.
    """
    directory = os.path.dirname(path)
    mode = os.stat(directory).st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise InvalidOption(
            _OPTION,
            path,
            "is in a world-writable directory, where any user could redirect the log to another file",
            remedy=f"Remove that permission: chmod o-w {directory}",
        )
    for name in (path, f"{path}{_ANEW}"):
        if os.path.islink(name):
            raise InvalidOption(
                _OPTION,
                path,
                f"would be written through the symbolic link {name} to {os.readlink(name)}",
                remedy="Set the path of the file itself, or remove the symbolic link",
            )


def numbered(path: str, number: int) -> str:
    """Return the path of the log's file with this number; 0 is the one being written."""
    return f"{path}.{number}" if number else path


@contextmanager
def opened(path: str) -> Iterator[list[BinaryIO]]:
    """Open the log's existing files and yield them, oldest first, each once.

    They are opened from the newest on, so that a concurrent rotation may make a file appear twice, but never
    hides one. Two rotations can change the order, so if files have moved, all are opened again.
    """
    with ExitStack() as stack:
        found: dict[int, BinaryIO] = {}
        for _try in range(_TRIES):
            stack.close()
            found = _all(path, stack)
            if all(_inode_at(numbered(path, number)) == inode(file) for number, file in found.items()):
                break
        once: dict[int, BinaryIO] = {}
        for file in found.values():
            once.setdefault(inode(file), file)
        yield list(once.values())[::-1]


def _all(path: str, stack: ExitStack) -> dict[int, BinaryIO]:
    """Return the open files by number; the stack closes them."""
    found: dict[int, BinaryIO] = {}
    for number in range(MOST_FILES):
        file = _open(numbered(path, number))
        if file is not None:
            found[number] = stack.enter_context(file)
        # In the middle of a rotation one number is missing, and others follow.
        elif number and number - 1 not in found:
            break
    return found


def next_after(path: str, file: BinaryIO) -> Optional[BinaryIO]:
    """Return, open, the file that conmon wrote after this one; None while it still writes this one."""
    number = inode(file)
    if _inode_at(path) == number:
        return None
    with opened(path) as files:
        inodes = [inode(one) for one in files]
        # A removed file was the oldest, so all existing ones come after it. In the middle of a rotation the
        # file being written may already have a number, and it is still the last here.
        place = inodes.index(number) + 1 if number in inodes else 0
        return os.fdopen(os.dup(files[place].fileno()), "rb") if place < len(files) else None


def inode(file: BinaryIO) -> int:
    """Return the inode number, which identifies an open file."""
    return os.fstat(file.fileno()).st_ino


def _inode_at(path: str) -> Optional[int]:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None


def _open(path: str) -> Optional[BinaryIO]:
    """Open a log file, which a container may be able to replace; return None for a device (/dev/null)."""
    try:
        looked_at = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if stat.S_ISCHR(os.fstat(looked_at).st_mode):
            return None
        return os.fdopen(untrusted_files.reopen(looked_at, path), "rb")
    except OSError as error:
        raise WrongState(
            f"the log {path} can't be read: {error.strerror}",
            remedy="Remove it: the next start creates a new log",
            path=path,
        ) from error
    finally:
        os.close(looked_at)
