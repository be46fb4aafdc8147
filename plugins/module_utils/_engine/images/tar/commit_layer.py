# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a container has written, as a layer of an image: a tar stream with whiteouts.

Three walks give the same layer: over an overlay's upper directory, over a whole root file system with a list of its changes,
and, for an image of one layer, over all of it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, NoReturn

from ...errors import WrongState
from ...frozen import dataclass
from ...trees import whiteouts
from . import tree, write
from .read import Entry
from .upper_layer import MarkedLayer, UpperLayer, mark

#: The ways to read a container's files.
ALL, UPPER, MARKED = "all", "upper", "marked"
_VANISHED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
#: overlayfs' note that a directory's content is elsewhere in the layers below.
_REDIRECT = "trusted.overlay.redirect"


class Changed(NamedTuple):
    """The changes in a directory: the names to write, and the names that were deleted."""

    names: set[bytes]
    gone: set[bytes]


#: Keys: each directory with a change in it or below, as a path with a slash at its end, ``b""`` for the root.
Changes = Mapping[bytes, Changed]


@dataclass(frozen=True)
class Reading:
    """How a container's files become a layer.

    ``name`` is the container's, for errors; ``owners`` returns an entry with the owners that the container sees; ``left_out`` are
    paths to omit; ``covers`` returns whether the image has a file at a path; ``live``: files may change during the walk;
    ``time`` (nanoseconds) replaces the times of all entries, None keeps them.
    """

    name: str
    owners: Callable[[Entry], Entry]
    left_out: frozenset[bytes]
    covers: Callable[[bytes], bool]
    live: bool = False
    time: int | None = None


class Layer:
    """A layer that can be read once; ``is_empty`` is valid after that."""

    def __init__(self, walk: _Walk) -> None:
        self._walk = walk

    @property
    def is_empty(self) -> bool:
        """Return whether there was nothing but the root."""
        return not self._walk.has_more

    def chunks(self, fd: int) -> Iterator[bytes]:
        """Stream the tree below an open directory. Raises WrongState, OSError."""
        return tree.gathered(self._walk.pieces(fd))


def layer(how: Reading, kind: str = ALL, changes: Changes | None = None) -> Layer:
    """Return the layer of a directory of this kind, or of the changes in one."""
    if changes is not None:
        return Layer(_ChangedTree(how, changes))
    return Layer({ALL: _Walk, UPPER: _Upper, MARKED: _Marked}[kind](how))


class _Walk(tree.Tree):
    has_more = False

    def __init__(self, how: Reading) -> None:
        super().__init__(how.name)
        self._how = how
        self.tolerated = _VANISHED if how.live else ()

    def pieces(self, fd: int) -> Iterator[bytes]:
        for number, piece in enumerate(super().pieces(fd)):
            self.has_more = self.has_more or (number > 0 and bool(piece) and piece is not write.END)
            yield piece

    def names(self, fd: int, prefix: bytes) -> list[bytes]:
        return [name for name in super().names(fd, prefix) if prefix + name not in self._how.left_out]

    def refuse(self, why: str) -> NoReturn:
        raise WrongState(f"container {self.name} {why}", name=self.name)

    def finished(self, entry: Entry) -> Entry:
        found = self._how.owners(entry)
        return found if self._how.time is None else found._replace(mtime=self._how.time)

    def short(self, length: int) -> Iterator[bytes]:
        if not self._how.live:
            yield from super().short(length)
        while length > 0:
            yield bytes(min(length, 1 << 16))
            length -= 1 << 16


class _Upper(_Walk, UpperLayer):
    def instead(self, path: bytes) -> bytes:
        """Return a whiteout if the image has a file in the place of a socket."""
        above, _slash, name = path.rpartition(b"/")
        hidden = whiteouts.PREFIX + name
        return mark(b"%s/%s" % (above, hidden) if above else hidden) if self._how.covers(path) else b""

    def _enter(self, stack: list[tree.Level], name: bytes) -> bytes:
        header = super()._enter(stack, name)
        if _REDIRECT in os.listxattr(stack[-1].open):
            self.refuse(f"has {os.fsdecode(stack[-1].prefix)!r}, which the kernel moved without its content")
        return header


class _Marked(_Upper, MarkedLayer):
    pass


class _ChangedTree(_Walk):
    def __init__(self, how: Reading, changes: Changes) -> None:
        super().__init__(how)
        self._changes = changes

    def names(self, fd: int, prefix: bytes) -> list[bytes]:  # noqa: ARG002  (the changes are known by path)
        here = self._changes.get(prefix)
        names = sorted(here.names, reverse=True) if here else []
        return [name for name in names if prefix + name not in self._how.left_out]

    def instead(self, path: bytes) -> bytes:
        above, slash, name = path.rpartition(b"/")
        return mark(above + slash + whiteouts.PREFIX + name) if self._how.covers(path) else b""

    def _below(self, top: int) -> Iterator[bytes]:
        yield self._gone(b"")
        yield from super()._below(top)

    def _enter(self, stack: list[tree.Level], name: bytes) -> bytes:
        return super()._enter(stack, name) + self._gone(stack[-1].prefix)

    def _gone(self, prefix: bytes) -> bytes:
        here = self._changes.get(prefix)
        gone = sorted(here.gone) if here else ()
        return b"".join(mark(prefix + whiteouts.PREFIX + name) for name in gone)
