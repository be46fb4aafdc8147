# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory that a layer is unpacked into: its parent directories, held open and never left.

A layer's own symbolic links decide where ``a/b`` lies when ``a`` is one. Each parent is opened by its name in
the directory above it; a link is followed only while it stays beneath the layer's root (RESOLVE_BENEATH), so
an absolute link, or one that climbs out, ends in UnsafeEntry. Links of *lower* layers are not looked at: as
under podman's and Docker's overlay drivers, a directory that a layer implies hides a link of that name below.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import OrderedDict
from typing import NamedTuple

from ..errors import ArchiveBroken, HostLacks, UnsafeEntry
from ..kernel import libc
from ..kernel.removal import remove_tree
from .lowers import Path

#: Deeper than any real tree, and so few that opening one place never closes the one before.
_DEEPEST = 200
#: The limit of open files is often 1024.
_MOST_OPEN = 2 * _DEEPEST + 1
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Place(NamedTuple):
    """An open directory and its true path in the layer (links resolved)."""

    fd: int
    path: Path


def components(name: bytes, *, entry: bytes) -> Path:
    """Split a name of an archive; an absolute one is taken as relative. Raises UnsafeEntry for ``..``."""
    parts = tuple(part for part in name.split(b"/") if part not in (b"", b"."))
    if b".." in parts or b"\0" in name:
        raise unsafe(entry, f"the path {show(name)} leaves the layer")
    if len(parts) > _DEEPEST:
        raise ArchiveBroken(f"an entry lies more than {_DEEPEST} directories deep", entry=show(entry))
    return parts


def show(name: bytes) -> str:
    """Write a name of any bytes so that it can be printed."""
    return ascii(os.fsdecode(name))[1:-1] if not name.isascii() else name.decode("ascii")


def unsafe(entry: bytes, why: str) -> UnsafeEntry:
    """Make the error for an entry that would be written outside its layer."""
    return UnsafeEntry(
        f"the archive's entry {show(entry)} is refused: {why}",
        remedy="It is damaged or was made to do harm; do not use it",
        entry=show(entry),
    )


class LayerDirectory:
    """An empty directory that fills up with a layer's entries.

    ``implied`` holds the directories made because something lies in them, not because the layer lists them.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._open: OrderedDict[Path, Place] = OrderedDict()
        self._retired: list[Place] = []
        self.implied: set[Path] = {()}

    def __enter__(self) -> LayerDirectory:  # noqa: PYI034 (typing.Self is younger than Python 3.9)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._close_retired()
        while self._open:
            os.close(self._open.popitem()[1].fd)

    def place(self, path: Path, *, entry: bytes, make: bool = True) -> Place:
        """Open a directory of the layer, and make it and those above it when they are missing.

        The descriptor stays good for this call and the next. Raises UnsafeEntry, and FileNotFoundError when
        not to make.
        """
        if not path:
            return Place(self._root, ())
        if self._retired:
            self._close_retired()
        found = self._open.get(path)
        if found is None:
            found = self._opened(path, entry=entry, make=make)
            self._keep(path, found)
        else:
            self._open.move_to_end(path)
        return found

    def make_directory(self, name: bytes, parent: Place) -> None:
        """Make a directory, or keep the one that is there; anything else of that name is removed first."""
        try:
            os.mkdir(name, 0o700, dir_fd=parent.fd)
        except FileExistsError:
            if not self.is_directory(name, parent):
                self.remove(name, parent)
                os.mkdir(name, 0o700, dir_fd=parent.fd)

    def is_directory(self, name: bytes, parent: Place) -> bool:
        """Tell whether the layer has a directory of that name."""
        try:
            return stat.S_ISDIR(os.stat(name, dir_fd=parent.fd, follow_symlinks=False).st_mode)
        except FileNotFoundError:
            return False

    def remove(self, name: bytes, parent: Place) -> None:
        """Remove what an earlier entry has made, a directory with all that is in it."""
        if self.is_directory(name, parent):
            remove_tree(f"/proc/self/fd/{parent.fd}/{os.fsdecode(name)}")
        else:
            os.unlink(name, dir_fd=parent.fd)
        self._forget((*parent.path, name))

    def _opened(self, path: Path, *, entry: bytes, make: bool) -> Place:
        above = self.place(path[:-1], entry=entry, make=make)
        true = (*above.path, path[-1])
        try:
            return Place(os.open(path[-1], _DIRECTORY, dir_fd=above.fd), true)
        except FileNotFoundError:
            if not make:
                raise
        except NotADirectoryError as error:  # a file, or a link that O_NOFOLLOW refused
            return self._followed(path[-1], above, entry=entry, error=error)
        os.mkdir(path[-1], 0o700, dir_fd=above.fd)
        self.implied.add(true)
        return Place(os.open(path[-1], _DIRECTORY, dir_fd=above.fd), true)

    def _followed(self, name: bytes, above: Place, *, entry: bytes, error: OSError) -> Place:
        try:
            target = os.readlink(name, dir_fd=above.fd)
        except OSError:
            raise error from None  # no link: the error of opening it says what is wrong
        where = b"/".join((*above.path, name))
        try:
            fd = libc.openat2(self._root, where, _DIRECTORY & ~os.O_NOFOLLOW, resolve=libc.RESOLVE_BENEATH)
        except OSError as problem:
            if problem.errno == errno.ENOSYS:
                raise HostLacks("this kernel has no openat2, which following links needs") from problem
            why = f"{show(where)} is a symbolic link to {show(target)}, which is no directory of this layer"
            raise unsafe(entry, why) from problem
        return Place(fd, self._true_path(fd))

    def _true_path(self, fd: int) -> Path:
        root, here = (os.readlink(b"/proc/self/fd/%d" % number) for number in (self._root, fd))
        return tuple(part for part in here[len(root) :].split(b"/") if part)

    def _keep(self, path: Path, place: Place) -> None:
        self._open[path] = place
        if len(self._open) > _MOST_OPEN:
            os.close(self._open.popitem(last=False)[1].fd)

    def _forget(self, gone: Path) -> None:
        # What was opened through a removed link goes too; its descriptor may be in use until the next call.
        self.implied = {path for path in self.implied if not _within(path, gone)}
        stale = [key for key, place in self._open.items() if _within(key, gone) or _within(place.path, gone)]
        self._retired += [self._open.pop(key) for key in stale]

    def _close_retired(self) -> None:
        while self._retired:
            os.close(self._retired.pop().fd)


def _within(path: Path, above: Path) -> bool:
    return path[: len(above)] == above
