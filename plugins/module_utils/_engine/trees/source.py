# SPDX-License-Identifier: GPL-3.0-or-later
"""What a tree is read from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Protocol


class Source(Protocol):
    """What is read, directory by directory: a tree (Cursor), or what several layers make up (MergedCursor)."""

    trail: list[str]

    @property
    def fd(self) -> int:
        """The directory that the owner, mode, attributes and times are of."""

    def enter(self, name: str) -> None:
        """Step down."""

    def leave(self) -> None:
        """Step up."""

    def entries(self) -> Iterator[tuple[int, os.DirEntry[str]]]:
        """Yield what is in the directory, each with the descriptor of the one that it really lies in."""
