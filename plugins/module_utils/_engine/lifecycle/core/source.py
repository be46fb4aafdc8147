# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold what a container is made from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType

from ...frozen import dataclass, field
from ...model.container.spec import ContainerSpec
from ...model.engine.layout import Layout
from ...model.engine.record import ImageRecord
from ...model.image import config as imageconfig
from ...model.image.config import ImageConfig


@dataclass(frozen=True)
class Source:
    """What a container is made from: an image, or a directory (``rootfs: true``); ``lowers`` topmost first.

    ``mounted`` are the images that it mounts besides, by destination.
    """

    image: ImageRecord | None
    config: ImageConfig | None
    lowers: tuple[str, ...]
    mounted: Mapping[str, ImageRecord] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        image: ImageRecord | None,
        layout: Layout,
        mounted: Mapping[str, ImageRecord] = MappingProxyType({}),
    ) -> Source:
        """Return the source for an image's record; None for a plain directory."""
        if image is None:
            return cls(None, None, (), mounted)
        return cls(image, imageconfig.parse(image.config), lowers_of(image, layout), mounted)

    def is_known(self, spec: ContainerSpec) -> bool:
        """Tell whether it is there to be looked into; to predict, what an earlier task brings is not."""
        return os.path.isdir(spec.image) if spec.rootfs else self.image is not None


def lowers_of(image: ImageRecord, layout: Layout) -> tuple[str, ...]:
    """Return the directories of an image's layers, topmost first."""
    return tuple(layout.layer_diff(layer.chain_id) for layer in reversed(image.layers))
