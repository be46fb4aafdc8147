# SPDX-License-Identifier: GPL-3.0-or-later
"""The source that a container is created from."""

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
    """The source of a container: an image, or a directory (``rootfs: true``); ``lowers`` topmost first.

    ``mounted`` are the images that it also mounts, by destination.
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
        """Return the source for an image's record; None means a plain directory."""
        if image is None:
            return cls(None, None, (), mounted)
        return cls(image, imageconfig.parse(image.config), lowers_of(image, layout), mounted)

    def is_known(self, spec: ContainerSpec) -> bool:
        """Return whether the source exists; in check mode, one that an earlier task would create does not."""
        return os.path.isdir(spec.image) if spec.rootfs else self.image is not None


def lowers_of(image: ImageRecord, layout: Layout) -> tuple[str, ...]:
    """Return the directories of an image's layers, topmost first."""
    return tuple(layout.layer_diff(layer.chain_id) for layer in reversed(image.layers))
