# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve the source and the destination of a copy, by the rule of the trailing slash (rsync(1)).

A directory is copied into the destination under its own name; ``SRC/`` and ``SRC/.`` mean its content. The destination of a
directory is a directory. That of a file is the file itself, unless it ends with a slash or is a directory. So the meaning of
a copy does not depend on an earlier copy.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ...errors import InvalidOption, Missing
from ...frozen import dataclass
from ...kernel.inroot import open_in_root
from ...model.values.globs import Excluded
from ...trees.place import Place
from ...trees.sync import DIRECTORY, Tree, Wanted, below
from ...trees.sync_source import read_one, read_tree

#: The most symlinks that are followed in a row (the kernel's MAXSYMLINKS).
_SYMLINKS = 40
_DIRECTORY = os.O_PATH | os.O_DIRECTORY


class Source(NamedTuple):
    """What to copy: a tree, or one file that may get another name.

    ``top`` is the name under which a directory is copied, or ``""`` for its content; then ``root`` is the directory itself,
    the model of a new destination.
    """

    tree: Tree
    is_file: bool
    top: str = ""
    root: Wanted = Wanted(DIRECTORY)


@dataclass(frozen=True)
class Target:
    """The destination of a copy: ``fd`` is the nearest existing directory.

    ``tree`` is the wanted tree below it, including missing parent directories. ``top`` is the directory, relative to ``fd``,
    in which ``delete`` removes everything else.
    """

    fd: int
    place: Place
    tree: Tree
    top: str
    is_file: bool

    def is_root(self, root_fd: int) -> bool:
        """Return whether a directory's content is copied directly into this root."""
        return not self.top and os.path.samestat(os.fstat(self.fd), os.fstat(root_fd))


def read_source(root_fd: int, path: str, *, follow: bool, excluded: Excluded, option: str = "src") -> Source:
    """Read the source at a path in a root; follow a symlink at the path, and with ``follow`` those below.

    Raises InvalidOption or Missing, naming ``option``, and CannotCopy.
    """
    contents = is_contents(path)
    name = posixpath.basename(path.rstrip("/"))
    if not _is_directory(root_fd, path, option):
        if contents:
            raise InvalidOption(option, path, "is not a directory", remedy="Remove the trailing slash")
        place = Place(root_fd, posixpath.dirname(path), through=True)
        wanted = read_one(place, [name])
        if wanted is None:
            raise Missing(option, path, "does not exist")
        return Source({name: wanted}, is_file=True)
    tree = read_tree(Place(root_fd, path, through=follow), excluded=excluded)
    if contents:
        return Source(
            tree, is_file=False, root=read_one(Place(root_fd, path, through=True), []) or Wanted(DIRECTORY)
        )
    top = read_one(Place(root_fd, f"{posixpath.dirname(path)}", through=True), [name]) or Wanted(DIRECTORY)
    return Source({**below(tree, name), name: top}, is_file=False, top=name)


def is_contents(path: str) -> bool:
    """Return whether a source path means the content of the directory."""
    return path.endswith("/") or posixpath.basename(path) in ("", ".", "..")


def _is_directory(root_fd: int, path: str, option: str) -> bool:
    try:
        with looked_at(root_fd, path) as fd:
            return stat.S_ISDIR(os.fstat(fd).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        raise Missing(option, path, "does not exist") from None


@contextmanager
def looked_at(root_fd: int, path: str) -> Iterator[int]:
    """Open a path in a root with O_PATH, following symlinks."""
    fd = open_in_root(root_fd, path, os.O_PATH)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def target(
    root_fd: int, path: str, source: Source, *, follow: bool, through: bool, option: str = "dest"
) -> Iterator[Target]:
    """Yield the destination of a source; with ``follow``, follow a symlink at a file's path.

    ``through``: symlinks to directories below it count as directories. Raises InvalidOption, naming ``option``.
    """
    tree, directory = source.tree, path
    if source.is_file and not is_contents(path) and not _holds_directory(root_fd, path):
        path = _followed(root_fd, path) if follow else path
        directory = posixpath.dirname(path)
        tree = {posixpath.basename(path): wanted for wanted in source.tree.values()}
    fd, there, missing = _nearest(root_fd, directory, option)
    try:
        yield Target(
            fd,
            Place(root_fd, there, through=through),
            _below(tree, missing, source),
            "/".join(filter(None, [missing, source.top])),
            source.is_file,
        )
    finally:
        os.close(fd)


def _below(tree: Tree, missing: str, source: Source) -> Tree:
    """Return the tree below the missing directories; the last of them is made like the source's directory."""
    if not missing:
        return tree
    moved = below(tree, missing)
    last = source.root if not source.is_file and not source.top else moved.get(missing, Wanted(DIRECTORY))
    return {**below({missing: last}, ""), **moved, missing: last}


def _holds_directory(root_fd: int, path: str) -> bool:
    try:
        os.close(open_in_root(root_fd, path, _DIRECTORY))
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _nearest(root_fd: int, path: str, option: str) -> tuple[int, str, str]:
    """Open the nearest existing directory; return its descriptor, its path and the missing names."""
    missing: list[str] = []
    there = path.rstrip("/") or "/"
    while True:
        fd = _open_directory(root_fd, there, path, option)
        if fd is not None:
            return fd, there, "/".join(missing)
        there, name = posixpath.split(there.rstrip("/"))
        there = there or "/"
        if name in ("", ".", ".."):
            raise InvalidOption(option, path, "does not exist")
        missing.insert(0, name)


def _open_directory(root_fd: int, there: str, path: str, option: str) -> int | None:
    try:
        return open_in_root(root_fd, there, _DIRECTORY)
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        why = f"is not a directory, or is below a file: {there}"
        raise InvalidOption(option, path, why, remedy="Name a directory") from None


def _followed(root_fd: int, path: str) -> str:
    """Return the path to which a symlink at the end of a path leads, to be resolved in the root again."""
    for _ignored in range(_SYMLINKS):
        parent, name = posixpath.split(path)
        try:
            fd = Place(root_fd, parent).look([name])
        except (FileNotFoundError, NotADirectoryError):
            return path
        try:
            if not stat.S_ISLNK(os.fstat(fd).st_mode):
                return path
            path = posixpath.join(parent, os.readlink("", dir_fd=fd))
        finally:
            os.close(fd)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
