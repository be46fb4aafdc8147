# SPDX-License-Identifier: GPL-3.0-or-later
"""A request to prune: the objects to remove, by kind, with podman's filters."""

from __future__ import annotations

from typing import NamedTuple, Optional

from ...frozen import dataclass

#: Pairs of key and value, as in ``--filter KEY=VALUE`` (lifecycle/inspect/filters.py).
Filters = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ImagePrune:
    """The images to remove: unused images without a name; with ``all``, also those with a name.

    ``keep_last``: keep this many of the newest images of each repository; older ones are treated as with ``all``.
    ``blobs``: also remove the original layer blobs of the remaining images, if they can be recreated.
    """

    all: bool = False
    filters: Filters = ()
    keep_last: Optional[int] = None
    blobs: bool = False


class Prune(NamedTuple):
    """The kinds to prune, with their filters; None leaves a kind alone."""

    containers: Optional[Filters] = None
    volumes: Optional[Filters] = None
    networks: Optional[Filters] = None
    images: Optional[ImagePrune] = None
