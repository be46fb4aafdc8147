# SPDX-License-Identifier: GPL-3.0-or-later
"""Walk the merged tree of several layers by the rules of overlayfs, without a mount."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from . import whiteouts
from .cursor import Cursor


class MergedCursor:
    """A position in the merged tree: the directory in each layer that contributes to it.

    Nothing is resolved by path: there is one descriptor per layer, however deep the tree is.
    """

    def __init__(self, layers: Sequence[int]) -> None:
        """``layers`` are descriptors of the layers' directories, topmost first, at least one."""
        self.trail: list[str] = []
        self._stack = ExitStack()
        self._levels: list[list[Cursor]] = [[]]
        try:
            for layer in layers:
                self._levels[0].append(Cursor(layer))
                self._stack.callback(self._levels[0][-1].close)
        except OSError:
            self._stack.close()
            raise

    @property
    def fd(self) -> int:
        """The topmost layer's directory, which has the merged directory's owner, mode and times."""
        return self._levels[-1][0].fd

    def close(self) -> None:
        """Close all descriptors."""
        self._stack.close()

    def enter(self, name: str) -> None:
        """Step down into the directory ``name``, which must be from ``entries``."""
        self._levels.append([*self._entered(name)])
        self.trail.append(name)

    def _entered(self, name: str) -> Iterator[Cursor]:
        """Step down in each layer whose directory of that name is visible."""
        for cursor in self._levels[-1]:
            found, hides = _lstat(cursor.fd, name), whiteouts.hides(cursor.fd, name)
            if found is not None:
                if not stat.S_ISDIR(found.st_mode):
                    return
                cursor.enter(name)
                yield cursor
                hides = hides or whiteouts.is_opaque(cursor.fd)
            if hides:
                return

    def leave(self) -> None:
        """Step up to the parent."""
        for cursor in self._levels.pop():
            cursor.leave()
        self.trail.pop()

    def entries(self) -> Iterator[tuple[int, os.DirEntry[str]]]:
        """Yield the visible entries, each with the descriptor of the layer's directory that contains it."""
        hidden: set[bytes] = set()
        for cursor in self._levels[-1]:
            here: set[bytes] = set()
            with os.scandir(cursor.fd) as entries:
                for entry in entries:
                    here |= {os.fsencode(entry.name), whiteouts.hidden_name(entry.name) or b""}
                    if os.fsencode(entry.name) not in hidden and not _is_mark(entry):
                        yield cursor.fd, entry
            hidden |= here


def _is_mark(entry: os.DirEntry[str]) -> bool:
    if whiteouts.hidden_name(entry.name) is not None:
        return True
    # The listing has the kind; only an entry that may be a device needs a stat(2).
    plain = entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False) or entry.is_symlink()
    return not plain and whiteouts.is_whiteout(entry.stat(follow_symlinks=False))


def _lstat(directory: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
