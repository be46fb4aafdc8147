# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the layers of an image as one tree, and compare a copy of it (driver vfs) with it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing

from ..errors import NotFound
from ..kernel.files import directory
from ..model.engine.layout import ContainerLayout
from ..model.values.idmap import IdMap
from ..trees.compare import Change
from ..trees.compare import changes as compare
from ..trees.cursor import Cursor
from ..trees.merge import MergedCursor


def changes(
    container: ContainerLayout, lowers: Sequence[str], mapping: IdMap | None = None
) -> Iterator[Change]:
    """Yield the root file system's differences from the image (trees/compare.py); none before it exists."""
    if not os.path.isdir(container.merged):
        return
    with directory(container.merged) as tree:
        yield from differences(tree, lowers, mapping)


def differences(
    tree: int, lowers: Sequence[str], mapping: IdMap | None = None, *, exact: bool = False
) -> Iterator[Change]:
    """Yield a tree's differences from the layers, lowest first; ``mapping`` is that of the tree's owners."""
    with ExitStack() as held:
        now = held.enter_context(closing(Cursor(tree)))
        before = held.enter_context(closing(merged(held, lowers))) if lowers else None
        yield from compare(now, before, mapping, exact=exact)


def merged(held: ExitStack, lowers: Sequence[str]) -> MergedCursor:
    """Return the merged tree of the layers (at least one), lowest first. Raises NotFound for a layer."""
    return MergedCursor([_opened(held, path) for path in reversed(lowers)])


def _opened(held: ExitStack, layer: str) -> int:
    try:
        return held.enter_context(directory(layer))
    except FileNotFoundError:
        raise NotFound("layer", layer, remedy="Load the image again") from None
