# SPDX-License-Identifier: GPL-3.0-or-later
"""Temporary directories that are garbage once their owner has died: an owner holds a lock on its own."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from .files import make_private
from .removal import remove_tree

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def staging(parent: str) -> Iterator[tuple[str, int]]:
    """Create a locked directory below ``parent``, yield its path and descriptor, and remove it on exit."""
    with kept(parent) as (path, fd):
        try:
            yield path, fd
        finally:
            remove_tree(path)


@contextmanager
def kept(parent: str) -> Iterator[tuple[str, int]]:
    """Create a locked directory like ``staging``, but leave it on exit, for a sweep to remove."""
    make_private(parent)
    path, fd = _new(parent)
    try:
        yield path, fd
    finally:
        os.close(fd)


def sweep(parent: str, before: Callable[[str], object] | None = None) -> tuple[str, ...]:
    """Remove the entries of ``parent`` whose owners have died; return their names.

    ``before`` is called with the path of each, to clean up other leftovers of its owner; if it raises, the
    directory is kept.
    """
    return tuple(name for name in sorted(os.listdir(parent)) if _sweep(f"{parent}/{name}", before))


def abandoned(parent: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return those of the names in ``parent`` whose owners have died, without changing anything."""
    return tuple(name for name in names if _is_abandoned(f"{parent}/{name}"))


def _is_abandoned(path: str) -> bool:
    if not os.path.isdir(path) or os.path.islink(path):
        return os.path.lexists(path)  # live owners have directories
    fd = _locked(path)
    if fd is None:
        return False
    os.close(fd)
    return True


def _sweep(path: str, before: Callable[[str], object] | None) -> bool:
    fd = _locked(path)
    if fd is None:
        return False
    try:
        if before is not None:
            before(path)
        remove_tree(path)
    finally:
        os.close(fd)
    return True


def _new(parent: str) -> tuple[str, int]:
    while True:
        path = f"{parent}/{os.urandom(8).hex()}"
        try:
            os.mkdir(path, 0o700)
        except FileNotFoundError:  # the owner of the last directory has removed the empty parent
            make_private(parent)
            continue
        fd = _locked(path)
        if fd is not None:
            return path, fd
        # A sweep came between creating and locking it, and has removed it or is about to.


def _locked(path: str) -> int | None:
    """Open and lock a directory; None if it is locked, does not exist, or is not a directory."""
    try:
        fd = os.open(path, _DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    if os.path.lexists(path):
        return fd
    os.close(fd)
    return None
