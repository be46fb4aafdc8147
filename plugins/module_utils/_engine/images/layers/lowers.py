# SPDX-License-Identifier: GPL-3.0-or-later
"""The merged view of the layers below, by the rules of overlayfs.

Source: Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories": a character device 0/0
hides a name, an opaque directory ends the merging, a directory over a non-directory hides it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import ExitStack, suppress

from ...kernel import libc
from ...trees import whiteouts

#: A path inside a layer: its components, () for the root.
Path = tuple[bytes, ...]

_NO_LINKS = libc.RESOLVE_NO_SYMLINKS | libc.RESOLVE_BENEATH
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Lowers:
    """The diff directories below a layer, topmost first, held open by their descriptors."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._stack = ExitStack()
        self._roots: list[int] = []
        self._merged: dict[Path, tuple[int, ...]] = {}
        try:
            for path in paths:
                root = os.open(path, _DIRECTORY)
                self._stack.callback(os.close, root)
                self._roots.append(root)
        except OSError:
            self._stack.close()
            raise

    def __enter__(self) -> Lowers:  # noqa: PYI034 (typing.Self is younger than Python 3.9)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stack.close()

    def open_directory(self, path: Path) -> int | None:
        """Open the topmost directory merged at ``path``, or return None; the caller closes it."""
        merged = self._merge(path)
        return self._open(merged[0], path) if merged else None

    def has_directory(self, path: Path) -> bool:
        """Return whether ``path`` is a directory in the merged view."""
        return bool(self._merge(path))

    def find(self, path: Path) -> tuple[int, os.stat_result] | None:
        """Find the visible entry at ``path``: its directory (to be closed by the caller) and its stat."""
        for layer in self._merge(path[:-1]):
            parent = self._open(layer, path[:-1])
            found = _lstat(path[-1], parent)
            if found is not None and not whiteouts.is_whiteout(found):
                return parent, found
            hidden = found is not None or whiteouts.hides(parent, path[-1])
            os.close(parent)
            if hidden:
                return None
        return None

    def shows(self, path: Path) -> bool:
        """Return whether ``path`` exists in the merged view."""
        found = self.find(path)
        if found is None:
            return False
        os.close(found[0])
        return True

    def names(self) -> list[bytes]:
        """Return the visible names at the top."""
        found = {os.fsencode(name) for root in self._roots for name in os.listdir(root)}
        return sorted(name for name in found if self.shows((name,)))

    def _merge(self, path: Path) -> tuple[int, ...]:
        """Return the layers whose directories are merged at ``path``, topmost first."""
        merged = tuple(range(len(self._roots)))
        if not merged:
            return merged
        depth = len(path)
        while depth and path[:depth] not in self._merged:  # nearly always one step
            depth -= 1
        if depth:
            merged = self._merged[path[:depth]]
        for end in range(depth + 1, len(path) + 1):
            if not merged:
                break
            merged = self._merged[path[:end]] = self._merge_here(path[:end], merged)
        if path:
            self._merged[path] = merged
        return merged

    def _merge_here(self, path: Path, above: tuple[int, ...]) -> tuple[int, ...]:
        """Return, of the layers merged in the directory above, those that are merged here."""
        found = []
        for layer in above:
            parent = self._open(layer, path[:-1])
            try:
                entry = _lstat(path[-1], parent)
                hidden = entry is None and whiteouts.hides(parent, path[-1])
            finally:
                os.close(parent)
            if hidden:
                break
            if entry is None:
                continue
            if not stat.S_ISDIR(entry.st_mode):
                break
            found.append(layer)
            if self._is_opaque(layer, path):
                break
        return tuple(found)

    def _is_opaque(self, layer: int, path: Path) -> bool:
        fd = self._open(layer, path)
        try:
            return whiteouts.is_opaque(fd)
        finally:
            os.close(fd)

    def _open(self, layer: int, path: Path) -> int:
        return open_below(self._roots[layer], path)


def open_below(root: int, path: Path) -> int:
    """Open the directory at a path below an open one, without following symbolic links; raises OSError."""
    # If openat2 cannot exclude symbolic links, each component is opened by itself with O_NOFOLLOW.
    if path:
        with suppress(OSError):  # openat2 is missing or forbidden; any other error recurs below
            return libc.openat2(root, b"/".join(path), _DIRECTORY, resolve=_NO_LINKS)
    fd = os.open(".", _DIRECTORY, dir_fd=root)
    for name in path:
        above = fd
        try:
            fd = os.open(name, _DIRECTORY, dir_fd=above)
        finally:
            os.close(above)
    return fd


def _lstat(name: bytes, parent: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None
