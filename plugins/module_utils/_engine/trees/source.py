# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of the trees that can be copied and compared."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Protocol


class Source(Protocol):
    """A tree that is read directory by directory: a plain one (Cursor), or merged layers (MergedCursor)."""

    trail: list[str]

    @property
    def fd(self) -> int:
        """The open directory, for owner, mode, attributes and times."""

    def enter(self, name: str) -> None:
        """Step down into a directory."""

    def leave(self) -> None:
        """Step up to the parent."""

    def entries(self) -> Iterator[tuple[int, os.DirEntry[str]]]:
        """Yield the directory's entries, each with the descriptor of the directory that contains it."""
