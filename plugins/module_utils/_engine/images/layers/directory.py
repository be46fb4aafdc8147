# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory into which a layer is unpacked: its parent directories, held open and never left.

A layer's own symbolic links decide where ``a/b`` is if ``a`` is one. Each parent is opened by its name in
the directory above it; a link is resolved as in a container whose root is the layer (RESOLVE_IN_ROOT): an
absolute one starts at the layer's root, and ``..`` stops there. Links of *lower* layers are not followed: as under
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

#: The longest path that open(2) takes and a container can name (PATH_MAX without leading slash and terminating zero).
_LONGEST = 4096 - 2
#: The deepest directory: through links, a path can get deeper than a name can express.
_DEEPEST = _LONGEST // 2
#: The most open directories; the limit of open files is often 1024.
_MOST_OPEN = 400
#: Directories down to this depth are kept open even if nothing was put into them; less than _MOST_OPEN, so that opening one
#: place never closes the previous one.
_KEPT_DEPTH = 32
#: The most links to directories that only a lower layer has; the kernel follows as many.
_MOST_LINKS = 40
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: The kernel's errors for a link that does not lead to a directory.
_LEADS_NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class Place(NamedTuple):
    """An open directory and its true path in the layer (links resolved)."""

    fd: int
    path: Path


def components(name: bytes, *, entry: bytes) -> Path:
    """Split a name of an archive; ``..`` is resolved lexically, and an absolute name is taken as relative.

    Raises UnsafeEntry if it leads out of the layer, ArchiveBroken if it is too long.
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
    """Return the error for an entry that would be written outside its layer."""
    return UnsafeEntry(
        f"the archive's entry {show(entry)} is refused: {why}",
        remedy="The archive is damaged or malicious; do not use it",
        entry=show(entry),
    )


class _Lookup:
    """The state of one lookup: its entry, whether to create missing directories, the links followed."""

    def __init__(self, entry: bytes, make: bool) -> None:  # noqa: FBT001
        self.entry = entry
        self.make = make
        self.links = 0


class LayerDirectory:
    """A directory that starts empty and is filled with a layer's entries.

    ``implied``: directories that were created as parents of entries and are not listed in the layer. ``below``: the merged
    layers below. ``replace`` is called before an entry is removed; it returns True if it has moved the entry away itself.
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
        """Open a directory of the layer; create it and its parents if they are missing.

        The descriptor stays valid for this call and the next. Raises UnsafeEntry, ArchiveBroken, and FileNotFoundError if not
        ``make``.
        """
        if not path:
            return Place(self._root, ())
        if self._retired:
            self._close_retired()
        found = self._open.get(path)
        if found is None:
            return self._opened(path, _Lookup(entry, make))
        self._open.move_to_end(path)
        return found

    def make_directory(self, name: bytes, parent: Place) -> None:
        """Create a directory, or keep an existing one; anything else with that name is removed first."""
        try:
            os.mkdir(name, 0o700, dir_fd=parent.fd)
        except FileExistsError:
            if not self.is_directory(name, parent):
                self.remove(name, parent)
                os.mkdir(name, 0o700, dir_fd=parent.fd)

    def is_directory(self, name: bytes, parent: Place) -> bool:
        """Return whether the layer has a directory with that name."""
        try:
            return stat.S_ISDIR(os.stat(name, dir_fd=parent.fd, follow_symlinks=False).st_mode)
        except FileNotFoundError:
            return False

    def is_replaced(self, path: Path) -> bool:
        """Return whether the layer has a non-directory at this path or above it, links not followed."""
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
        """Remove what an earlier entry has created, directories recursively."""
        mode = os.stat(name, dir_fd=parent.fd, follow_symlinks=False).st_mode
        if not self._replace(name, parent):
            remove_entry(os.fsdecode(name), parent.fd)
        if stat.S_ISDIR(mode) or stat.S_ISLNK(mode):  # no open directory was reached through anything else
            self._forget((*parent.path, name))

    def _opened(self, path: Path, lookup: _Lookup) -> Place:
        """Descend to a directory from the nearest open one."""
        start = _nearest(path, self._open)
        place = self._open[path[:start]] if start else Place(self._root, ())
        for depth in range(start, len(path)):
            try:
                below = self._entered(place, path[depth], lookup)
            finally:
                if start < depth and depth > _KEPT_DEPTH:
                    os.close(place.fd)
            if depth < _KEPT_DEPTH or depth + 1 == len(path):
                self._keep(path[: depth + 1], below)
            place = below
        return place

    def _entered(self, above: Place, name: bytes, lookup: _Lookup) -> Place:
        true = (*above.path, name)
        if len(true) > _DEEPEST:
            raise ArchiveBroken(
                f"an entry lies more than {_DEEPEST} directories deep", entry=show(lookup.entry)
            )
        try:
            return Place(os.open(name, _DIRECTORY, dir_fd=above.fd), true)
        except FileNotFoundError:
            if not lookup.make:
                raise
        except NotADirectoryError as error:  # a file, or a link that O_NOFOLLOW refused
            return self._followed(name, above, lookup, error=error)
        os.mkdir(name, 0o700, dir_fd=above.fd)
        self.implied.add(true)
        return Place(os.open(name, _DIRECTORY, dir_fd=above.fd), true)

    def _followed(self, name: bytes, above: Place, lookup: _Lookup, *, error: OSError) -> Place:
        try:
            target = os.readlink(name, dir_fd=above.fd)
        except OSError:
            raise error from None  # not a link: the error of opening it says what is wrong
        where = b"/".join((*above.path, name))
        try:
            fd = open_in_root(self._root, where, _DIRECTORY & ~os.O_NOFOLLOW)
        except OSError as problem:
            if problem.errno not in _LEADS_NOWHERE:
                raise
            if not lookup.make:
                raise FileNotFoundError(problem.errno, problem.strerror, where) from problem
            found = self._from_below(_resolved(above.path, target), lookup)
            if found is None:
                why = f"{show(where)} is a symbolic link to {show(target)}, which is not a directory of this layer"
                raise unsafe(lookup.entry, why) from problem
            return found
        return Place(fd, self._true_path(fd))

    def _from_below(self, path: Path, lookup: _Lookup) -> Place | None:
        """Imply a directory that a link leads to and only a lower layer has; None if no layer has it."""
        lookup.links += 1
        if lookup.links > _MOST_LINKS or not self._below.has_directory(path):
            return None
        place = Place(os.dup(self._root), ())
        for name in path:
            above = place
            try:
                place = self._entered(above, name, lookup)
            finally:
                os.close(above.fd)
        return place

    def _true_path(self, fd: int) -> Path:
        root, here = (os.readlink(b"/proc/self/fd/%d" % number) for number in (self._root, fd))
        return tuple(part for part in here[len(root) :].split(b"/") if part)

    def _keep(self, path: Path, place: Place) -> None:
        before = self._open.pop(path, None)
        if before is not None:  # reopened, because the directories above it had been closed
            self._retired.append(before)
        self._open[path] = place
        if len(self._open) > _MOST_OPEN:
            os.close(self._open.popitem(last=False)[1].fd)

    def _forget(self, gone: Path) -> None:
        # Directories opened through a removed link are dropped too; a descriptor may be in use until the next call.
        self.implied = {path for path in self.implied if not _within(path, gone)}
        stale = [key for key, place in self._open.items() if _within(key, gone) or _within(place.path, gone)]
        self._retired += [self._open.pop(key) for key in stale]

    def _close_retired(self) -> None:
        while self._retired:
            os.close(self._retired.pop().fd)


def _nearest(path: Path, known: Container[Path]) -> int:
    """Return the length of a known prefix of the path, or 0; all long prefixes are tried, but few short ones."""
    back = 1
    while back < len(path):
        if path[:-back] in known:
            return len(path) - back
        back += 1 if back < _KEPT_DEPTH else back
    return 0


def _resolved(above: Path, target: bytes) -> Path:
    """Return the target of a link in a directory, resolved lexically: ``..`` stops at the root."""
    parts = [] if target.startswith(b"/") else list(above)
    for part in target.split(b"/"):
        if part == b"..":
            parts = parts[:-1]
        elif part not in (b"", b"."):
            parts.append(part)
    return tuple(parts)


def _within(path: Path, above: Path) -> bool:
    return path[: len(above)] == above
