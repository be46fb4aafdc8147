# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory that a layer is unpacked into: its parent directories, held open and never left.

A layer's own symbolic links decide where ``a/b`` lies when ``a`` is one. Each parent is opened by its name in
the directory above it; a link is resolved as in a container that has the layer as its root (RESOLVE_IN_ROOT): an
absolute one starts at the layer's root, and ``..`` stops there. Links of *lower* layers are not looked at: as under
podman's and Docker's overlay drivers, a directory that a layer implies hides a link of that name below.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import OrderedDict
from collections.abc import Callable, Container
from typing import NamedTuple

from ...errors import ArchiveBroken, UnsafeEntry
from ...kernel.inroot import open_in_root
from ...kernel.removal import remove_entry
from ..tar.printable import show
from .lowers import Lowers, Path

#: What open(2) takes at once, and a container can name (PATH_MAX with the slash before and the zero after it).
_LONGEST = 4096 - 2
#: Links may lead to deeper places than a name can tell.
_DEEPEST = _LONGEST // 2
#: The limit of open files is often 1024.
_MOST_OPEN = 400
#: Directories down to here are kept open though nothing was put into them; less than _MOST_OPEN, so that opening one place
#: never closes the one before.
_KEPT_DEPTH = 32
#: Of those that lead to what only a lower layer has; the kernel follows as many.
_MOST_LINKS = 40
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: What the kernel answers where a link does not lead to a directory.
_LEADS_NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class Place(NamedTuple):
    """An open directory and its true path in the layer (links resolved)."""

    fd: int
    path: Path


def components(name: bytes, *, entry: bytes) -> Path:
    """Split a name of an archive, ``..`` resolved as text; an absolute one is taken as relative.

    Raises UnsafeEntry for one that leads out, ArchiveBroken for one that is too long.
    """
    parts = tuple(part for part in name.split(b"/") if part not in (b"", b"."))
    if b".." in parts:
        parts = _folded(parts, name, entry=entry)
    if len(name) > _LONGEST and len(b"/".join(parts)) > _LONGEST:
        raise ArchiveBroken(f"an entry's path has more than {_LONGEST} bytes", entry=show(entry))
    return parts


def _folded(parts: Path, name: bytes, *, entry: bytes) -> Path:
    folded: list[bytes] = []
    for part in parts:
        if part != b"..":
            folded.append(part)
        elif folded:
            folded.pop()
        else:
            raise unsafe(entry, f"the path {show(name)} leaves the layer")
    return tuple(folded)


def unsafe(entry: bytes, why: str) -> UnsafeEntry:
    """Make the error for an entry that would be written outside its layer."""
    return UnsafeEntry(
        f"the archive's entry {show(entry)} is refused: {why}",
        remedy="It is damaged or was made to do harm; do not use it",
        entry=show(entry),
    )


class _Way:
    """What is known on the way to one place: for which entry, whether to make what is missing, the links followed."""

    def __init__(self, entry: bytes, make: bool) -> None:  # noqa: FBT001
        self.entry = entry
        self.make = make
        self.links = 0


class LayerDirectory:
    """An empty directory that fills up with a layer's entries.

    ``implied`` holds the directories made because something lies in them, not because the layer lists them.
    ``below``: what the layers below it show. ``replace`` is called with what is about to be removed, and tells whether it has
    put it elsewhere.
    """

    def __init__(self, root: int, below: Lowers, replace: Callable[[bytes, Place], bool]) -> None:
        self._root = root
        self._below = below
        self._replace = replace
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

        The descriptor stays good for this call and the next. Raises UnsafeEntry, ArchiveBroken, and FileNotFoundError when
        not to make.
        """
        if not path:
            return Place(self._root, ())
        if self._retired:
            self._close_retired()
        found = self._open.get(path)
        if found is None:
            return self._opened(path, _Way(entry, make))
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

    def is_replaced(self, path: Path) -> bool:
        """Tell whether the layer has something else than a directory at this path or above it, links not followed."""
        known = self._open.get(path)
        if not path or (known is not None and known.path == path):
            return False
        fd = os.dup(self._root)
        for name in path:
            above = fd
            try:
                fd = os.open(name, _DIRECTORY, dir_fd=above)
            except OSError as error:
                return error.errno == errno.ENOTDIR
            finally:
                os.close(above)
        os.close(fd)
        return False

    def remove(self, name: bytes, parent: Place) -> None:
        """Remove what an earlier entry has made, a directory with all that is in it."""
        mode = os.stat(name, dir_fd=parent.fd, follow_symlinks=False).st_mode
        if not self._replace(name, parent):
            remove_entry(os.fsdecode(name), parent.fd)
        if stat.S_ISDIR(mode) or stat.S_ISLNK(mode):  # nothing is reached through anything else
            self._forget((*parent.path, name))

    def _opened(self, path: Path, way: _Way) -> Place:
        """Go down to a directory from the nearest one that is open."""
        start = _nearest(path, self._open)
        place = self._open[path[:start]] if start else Place(self._root, ())
        for depth in range(start, len(path)):
            try:
                below = self._entered(place, path[depth], way)
            finally:
                if start < depth and depth > _KEPT_DEPTH:
                    os.close(place.fd)
            if depth < _KEPT_DEPTH or depth + 1 == len(path):
                self._keep(path[: depth + 1], below)
            place = below
        return place

    def _entered(self, above: Place, name: bytes, way: _Way) -> Place:
        true = (*above.path, name)
        if len(true) > _DEEPEST:
            raise ArchiveBroken(f"an entry lies more than {_DEEPEST} directories deep", entry=show(way.entry))
        try:
            return Place(os.open(name, _DIRECTORY, dir_fd=above.fd), true)
        except FileNotFoundError:
            if not way.make:
                raise
        except NotADirectoryError as error:  # a file, or a link that O_NOFOLLOW refused
            return self._followed(name, above, way, error=error)
        os.mkdir(name, 0o700, dir_fd=above.fd)
        self.implied.add(true)
        return Place(os.open(name, _DIRECTORY, dir_fd=above.fd), true)

    def _followed(self, name: bytes, above: Place, way: _Way, *, error: OSError) -> Place:
        try:
            target = os.readlink(name, dir_fd=above.fd)
        except OSError:
            raise error from None  # no link: the error of opening it says what is wrong
        where = b"/".join((*above.path, name))
        try:
            fd = open_in_root(self._root, where, _DIRECTORY & ~os.O_NOFOLLOW)
        except OSError as problem:
            if problem.errno not in _LEADS_NOWHERE:
                raise
            if not way.make:
                raise FileNotFoundError(problem.errno, problem.strerror, where) from problem
            found = self._from_below(_landing(above.path, target), way)
            if found is None:
                why = (
                    f"{show(where)} is a symbolic link to {show(target)}, which is no directory of this layer"
                )
                raise unsafe(way.entry, why) from problem
            return found
        return Place(fd, self._true_path(fd))

    def _from_below(self, path: Path, way: _Way) -> Place | None:
        """Imply a directory that a link of this layer leads to, and that only a lower layer has; None when none has it."""
        way.links += 1
        if way.links > _MOST_LINKS or not self._below.has_directory(path):
            return None
        place = Place(os.dup(self._root), ())
        for name in path:
            above = place
            try:
                place = self._entered(above, name, way)
            finally:
                os.close(above.fd)
        return place

    def _true_path(self, fd: int) -> Path:
        root, here = (os.readlink(b"/proc/self/fd/%d" % number) for number in (self._root, fd))
        return tuple(part for part in here[len(root) :].split(b"/") if part)

    def _keep(self, path: Path, place: Place) -> None:
        before = self._open.pop(path, None)
        if before is not None:  # opened anew, since the ones above it had been let go
            self._retired.append(before)
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


def _nearest(path: Path, known: Container[Path]) -> int:
    """Return the length of a beginning of the path that is known, 0 for none. Near the end each is looked for, further up few."""
    back = 1
    while back < len(path):
        if path[:-back] in known:
            return len(path) - back
        back += 1 if back < _KEPT_DEPTH else back
    return 0


def _landing(above: Path, target: bytes) -> Path:
    """Return where a link of a directory points to, as text: ``..`` stops at the root."""
    parts = [] if target.startswith(b"/") else list(above)
    for part in target.split(b"/"):
        if part == b"..":
            parts = parts[:-1]
        elif part not in (b"", b"."):
            parts.append(part)
    return tuple(parts)


def _within(path: Path, above: Path) -> bool:
    return path[: len(above)] == above
