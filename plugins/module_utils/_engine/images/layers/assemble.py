# SPDX-License-Identifier: GPL-3.0-or-later
"""Reassemble a layer's tar, byte for byte, from its unpacked files and its recipe."""

from __future__ import annotations

import errno
import os
import stat
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import ExitStack

from ...errors import ArchiveBroken, DigestMismatch, WrongState
from ..tar.printable import show
from ..tar.streams import CHUNK, Digest
from ..tar.tree import gathered
from . import recipe
from .lowers import open_below
from .recipe import Content, Moved

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_REMEDY = "Remove the image and load or pull it again"


def has_recipe(layer: str) -> bool:
    """Return whether the layer in this directory has a recipe, or a note that none is possible."""
    return os.path.isfile(os.path.join(layer, recipe.NAME))


def can_assemble(layer: str) -> bool:
    """Return whether the tar of the layer in this directory can be reassembled."""
    try:
        with open(os.path.join(layer, recipe.NAME), "rb") as file:
            return file.read(len(recipe.GIVEN_UP)) != recipe.GIVEN_UP
    except FileNotFoundError:
        return False


def assemble(layer: str, *, diff_id: str) -> Iterator[bytes]:
    """Stream the tar from which the layer in a directory was unpacked; its digest is checked at the end.

    Raises WrongState (no recipe, or the layer was removed), DigestMismatch (its files were altered).
    """
    digest = Digest(diff_id)
    try:
        yield from digest.through(gathered(_pieces(layer)))
    except ArchiveBroken as error:
        raise _altered(diff_id, error.message) from error
    if digest.text != diff_id:
        raise _altered(diff_id, f"its digest is now {digest.text}")


def _altered(diff_id: str, why: str) -> DigestMismatch:
    return DigestMismatch(
        f"the layer {diff_id} was altered in the store: {why}", remedy=_REMEDY, expected=diff_id
    )


def _pieces(layer: str) -> Iterator[bytes]:
    with ExitStack() as stack:
        written = _open_recipe(layer)
        stack.callback(os.close, written)
        top = os.open(layer, _DIRECTORY)
        stack.callback(os.close, top)
        files = _Files(top, _moves(top, written))
        stack.callback(files.close)
        for record in recipe.records(written):
            if isinstance(record, bytes):
                yield record
            elif isinstance(record, Content):
                yield from files.content(record)


def _open_recipe(layer: str) -> int:
    if can_assemble(layer):
        return os.open(os.path.join(layer, recipe.NAME), _FILE)
    name = os.path.basename(layer)
    if not os.path.isdir(os.path.join(layer, "diff")):
        raise WrongState(f"the layer {name} was removed", remedy=_REMEDY)
    if has_recipe(layer):
        why = f"the layer {name} replaces too many of its own files to be reassembled"
        raise WrongState(why, remedy="Get its image from its source, or rebuild it as one layer")
    why = f"the layer {name} was stored without the recipe to reassemble it"
    raise WrongState(why, remedy="Load or pull its image again from its source")


class _Moves:
    """The locations of file contents that later entries replaced, directly or with a directory above."""

    def __init__(self) -> None:
        self._by_path: dict[bytes, list[tuple[int, int]]] = {}

    def add(self, after: int, moved: Moved) -> None:
        """Record a move that came after this number of contents."""
        self._by_path.setdefault(moved.path, []).append((after, moved.number))

    def place(self, index: int, path: bytes) -> bytes:
        """Return the current path, in the layer's directory, of the ``index``-th content and its first path."""
        found = [hit for head in _heads(path) for hit in self._next(index, head)] if self._by_path else []
        if not found:
            return b"diff/" + path
        _after, number, length = min(found)
        return b"%s/%d%s" % (os.fsencode(recipe.REPLACED), number, path[length:])

    def _next(self, index: int, head: bytes) -> Iterator[tuple[int, int, int]]:
        """Yield the first move of this path after a content."""
        moves = self._by_path.get(head, [])
        at = bisect_right(moves, (index + 1, -1))
        if at < len(moves):
            yield (*moves[at], len(head))


def _heads(path: bytes) -> Iterator[bytes]:
    """Yield a path, and those of the directories above it."""
    while path:
        yield path
        path = path.rpartition(b"/")[0]


def _moves(top: int, written: int) -> _Moves:
    moves, contents = _Moves(), 0
    if _exists(recipe.REPLACED, top):  # rare; otherwise the recipe is read only once
        for record in recipe.records(written):
            if isinstance(record, Moved):
                moves.add(contents, record)
            contents += isinstance(record, Content)
    return moves


def _exists(name: str, directory: int) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


class _Files:
    """A layer's files, opened by true paths: never through a symbolic link. The last directory stays open."""

    def __init__(self, top: int, moves: _Moves) -> None:
        self._top = top
        self._moves = moves
        self._count = 0
        self._parent, self._fd = b"", os.dup(top)

    def close(self) -> None:
        """Close the open directory."""
        os.close(self._fd)

    def content(self, wanted: Content) -> Iterator[bytes]:
        """Yield the stored parts of the next file."""
        place = self._moves.place(self._count, wanted.path)
        self._count += 1
        try:
            fd = self._open(place)
        except OSError as error:
            raise ArchiveBroken(f"its file {show(wanted.path)} cannot be read: {error.strerror}") from error
        try:
            for offset, length in wanted.extents:
                yield from _part(fd, offset, length, wanted.path)
        finally:
            os.close(fd)

    def _open(self, place: bytes) -> int:
        parent, _slash, name = place.rpartition(b"/")
        if parent != self._parent:
            entered = open_below(self._top, tuple(parent.split(b"/")))
            os.close(self._fd)
            self._parent, self._fd = parent, entered
        fd = os.open(name, _FILE, dir_fd=self._fd)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise FileNotFoundError(errno.ENOENT, "is not a regular file")
        return fd


def _part(fd: int, offset: int, length: int, path: bytes) -> Iterator[bytes]:
    end = offset + length
    while offset < end:
        piece = os.pread(fd, min(CHUNK, end - offset), offset)
        if not piece:
            raise ArchiveBroken(f"its file {show(path)} is {end - offset} bytes too short")
        offset += len(piece)
        yield piece
