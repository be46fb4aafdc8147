# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory tree as a tar stream, as it is: it may change during the walk, and nothing in it is refused.

Each file is read once, and is sparse if it is on the disk. A file that vanishes before its turn is left out, and a file that
shrinks is padded with zeroes, as in GNU tar.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

from ...errors import EngineError
from ...trees.content import data_ranges
from .read import Entry
from .tree import Tree, gathered

#: Returns an entry with the owners for the archive.
Owners = Callable[[Entry], Entry]


def chunks(fd: int, name: str, owners: Owners) -> Iterator[bytes]:
    """Stream the tree below an open directory; sockets are left out. ``name`` is for errors.

    Raises EngineError, OSError.
    """
    return gathered(_LiveTree(name, owners).pieces(fd))


class _LiveTree(Tree):
    longest = sys.maxsize
    # It vanished, or was replaced: a directory by a file, either by a symbolic link.
    tolerated = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)

    def __init__(self, name: str, owners: Owners) -> None:
        super().__init__(name)
        self._owners = owners

    def refuse(self, why: str) -> NoReturn:
        raise EngineError(f"{self.name} {why}", name=self.name)

    def check(self, path: bytes) -> None:
        """Accept any name: this is not a layer of an image."""

    def finished(self, entry: Entry) -> Entry:
        return self._owners(entry)

    def parts(self, fd: int, size: int) -> Iterator[tuple[int, int]]:
        begin, end = 0, 0
        for begin, end in data_ranges(fd, size):
            if begin < size:
                yield begin, min(end, size) - begin
        if end < size:  # GNU tar takes the end of the last part for that of the file
            yield size, 0

    def short(self, length: int) -> Iterator[bytes]:
        zeroes = bytes(1 << 16)
        while length > 0:
            yield zeroes[:length]
            length -= len(zeroes)
