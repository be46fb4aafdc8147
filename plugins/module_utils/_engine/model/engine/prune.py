# SPDX-License-Identifier: GPL-3.0-or-later
"""What a prune is to remove: of each kind which things, in podman's words for filters."""

from __future__ import annotations

from typing import NamedTuple, Optional

from ...frozen import dataclass

#: Pairs of key and value, as ``--filter KEY=VALUE`` has them (lifecycle/inspect/filters.py).
Filters = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ImagePrune:
    """Which images: those without a name that nobody uses; with ``all`` also those with one.

    ``keep_last``: of each repository so many stay, those that came last; whatever is older is looked at as with ``all``.
    ``blobs``: of the images that stay, the layers as they came are removed as well, where they can be made anew.
    """

    all: bool = False
    filters: Filters = ()
    keep_last: Optional[int] = None
    blobs: bool = False


class Prune(NamedTuple):
    """Which kinds are looked at, and of each which things; None: the kind is left alone."""

    containers: Optional[Filters] = None
    volumes: Optional[Filters] = None
    networks: Optional[Filters] = None
    images: Optional[ImagePrune] = None
