# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold what a container is made from."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import imageconfig
from ..model.imageconfig import ImageConfig
from ..model.layout import Layout
from ..model.record import ImageRecord


@dataclass(frozen=True)
class Source:
    """What a container is made from: an image, or a directory (``rootfs: true``); ``lowers`` topmost first."""

    image: ImageRecord | None
    config: ImageConfig | None
    lowers: tuple[str, ...]

    @classmethod
    def of(cls, image: ImageRecord | None, layout: Layout) -> Source:
        """Return the source for an image's record; None for a plain directory."""
        if image is None:
            return cls(None, None, ())
        lowers = tuple(layout.layer_diff(layer.chain_id) for layer in reversed(image.layers))
        return cls(image, imageconfig.parse(image.config), lowers)
