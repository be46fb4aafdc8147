# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the trees that are copied and packed: a cross-section of this machine's /usr, and one of small files."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

_SOURCE = "/usr"
#: A single file of more would decide alone what the tree is like.
_LARGEST = 20_000_000


@dataclass(frozen=True)
class Tree:
    """A tree, how many entries it has and how many bytes are in its files."""

    path: str
    entries: int
    bytes: int

    def __str__(self) -> str:
        return f"{self.bytes / 1e6:.0f} MB in {self.entries} entries"


def cross_section(into: str, *, size: int) -> Tree:
    """Copy directories of /usr, drawn as if by lot but the same in each run, until their files have this many bytes."""
    found = (top for top, _names, _files in os.walk(_SOURCE) if not top.endswith("__pycache__"))
    total = 0
    for directory in sorted(found, key=lambda path: hashlib.sha256(os.fsencode(path)).digest()):
        os.makedirs(into + directory, exist_ok=True)
        for path in _leaves(directory):
            shutil.copy2(path, into + path, follow_symlinks=False)
            total += os.lstat(path).st_size
        if total >= size:
            break
    return Tree(into, sum(len(names) + len(files) for _top, names, files in os.walk(into)), total)


def _leaves(directory: str) -> Iterator[str]:
    for entry in os.scandir(directory):
        if entry.is_symlink() or (
            entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_size < _LARGEST
        ):
            yield entry.path


def small_files(into: str, count: int) -> Tree:
    """Make files of some bytes, a thousand to a directory."""
    for number in range(count):
        directory = f"{into}/{number // 1000}"
        if number % 1000 == 0:
            os.mkdir(directory)
        with open(f"{directory}/{number}", "w", encoding="ascii") as file:
            file.write(f"file {number}\n")
    return Tree(into, count + (count + 999) // 1000, 0)
