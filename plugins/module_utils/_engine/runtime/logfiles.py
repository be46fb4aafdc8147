# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a container's log: the one that conmon writes, and those before it, PATH.1 the youngest of them.

A rotation moves each one further (runtime/rotation.py), while somebody may read. A file keeps its inode, so whoever holds
it open loses nothing.
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
#: What conmon adds to the name of a log that it begins anew (ctr_logging.c, reopen_k8s_file).
_ANEW = ".tmp"
#: More files than anybody keeps; a search for the next one ends here.
MOST_FILES = 100
#: A rotation takes longer than to open the files, so a second look finds them at rest; what never rests is read all the same.
_TRIES = 10


def check_place(path: str) -> None:
    """Raise InvalidOption where somebody else may have decided which file conmon writes to, as root.

    conmon follows a symlink at both names that it opens: that of the log, and the one under which it begins the log anew.
    """
    directory = os.path.dirname(path)
    mode = os.stat(directory).st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise InvalidOption(
            _OPTION,
            path,
            "lies in a directory that anybody can write to, who could have the log written to any file",
            remedy=f"Take that right away: chmod o-w {directory}",
        )
    for name in (path, f"{path}{_ANEW}"):
        if os.path.islink(name):
            raise InvalidOption(
                _OPTION,
                path,
                f"would be written through the symlink {name}, which leads to {os.readlink(name)}",
                remedy="Name the file itself, or remove the symlink",
            )


def numbered(path: str, number: int) -> str:
    """Return the name of a file of the log: 0 is the one that is written."""
    return f"{path}.{number}" if number else path


@contextmanager
def opened(path: str) -> Iterator[list[BinaryIO]]:
    """Give the files of the log that are there, the oldest first, each once.

    They are opened from the youngest on: a rotation meanwhile can show a file a second time, but never hide one. Two can
    change their order, so what they have moved is opened anew.
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
    """Return the files by their number, open until the stack ends."""
    found: dict[int, BinaryIO] = {}
    for number in range(MOST_FILES):
        file = _open(numbered(path, number))
        if file is not None:
            found[number] = stack.enter_context(file)
        # Between two moves of a rotation one is missing, and others follow.
        elif number and number - 1 not in found:
            break
    return found


def next_after(path: str, file: BinaryIO) -> Optional[BinaryIO]:
    """Return the file that conmon wrote after this one, open; None while it still writes this one."""
    number = inode(file)
    if _inode_at(path) == number:
        return None
    with opened(path) as files:
        inodes = [inode(one) for one in files]
        # One that is gone was the oldest: what is there now came after it. In the middle of a rotation the one that is
        # written may have a number already, and it is the last here all the same.
        place = inodes.index(number) + 1 if number in inodes else 0
        return os.fdopen(os.dup(files[place].fileno()), "rb") if place < len(files) else None


def inode(file: BinaryIO) -> int:
    """Return what tells an open file from others."""
    return os.fstat(file.fileno()).st_ino


def _inode_at(path: str) -> Optional[int]:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None


def _open(path: str) -> Optional[BinaryIO]:
    """Open a file of the log, which may lie where a container can exchange it; a device (/dev/null) keeps nothing."""
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
            remedy="Remove what is there: the next start begins a new log",
            path=path,
        ) from error
    finally:
        os.close(looked_at)
