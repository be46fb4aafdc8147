# SPDX-License-Identifier: GPL-3.0-or-later
"""Import an image from a file tree: a directory, or a tar archive of one."""

from __future__ import annotations

from collections.abc import Sequence

from ...images.archive.error_path import telling
from ...images.archive.reference import normalize
from ...images.build import import_tree
from ..core.engine import Engine
from ..core.outcome import Outcome
from .load import converge_images


def import_image(
    engine: Engine, source: str, name: str, changes: Sequence[str] = (), *, message: str = ""
) -> Outcome:
    """Create an image from the tree and name it; the same tree and changes result in the same image.

    Raises InvalidOption, NotFound, ArchiveBroken, UnsafeEntry, StoreFull.
    """
    names = (normalize(name),)
    with telling(source):
        with engine.timings.of("image_read"):
            tree = import_tree(source, changes=changes, message=message)
        return converge_images(engine, tree, "imported", names=names)
