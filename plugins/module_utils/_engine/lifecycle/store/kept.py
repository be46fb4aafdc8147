# SPDX-License-Identifier: GPL-3.0-or-later
"""The kept blobs that layers can be unpacked from again, and the containers that use an image."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ...images.blobs import BlobStore
from ...images.layers.store import LayerStore
from ...images.save.stored import Stored
from ...images.tar import streams
from ...kernel import mountinfo
from ...model.container import status
from ...model.engine.record import ContainerRecord, ImageRecord
from ...state import containers
from ..core.engine import Engine
from ..core.facts import observe


class Place(NamedTuple):
    """A layer by its position in an image, and the digest of its blob."""

    image: ImageRecord
    position: int
    digest: str


class Kept:
    """The layers whose blobs are kept, by the images' manifests; ``bad``: digests of blobs not to use."""

    def __init__(self, engine: Engine, images: Iterable[ImageRecord], bad: Collection[str] = ()) -> None:
        self._blobs = BlobStore(engine.layout.blobs)
        layers = LayerStore(engine.layout.layers, engine.layout.staging)
        self._places: dict[str, Place] = {}
        for image in images:
            for position, layer in enumerate(Stored(layers, self._blobs).image(image, ()).layers):
                if layer.blob is not None and layer.blob.digest not in bad:
                    self._places[layer.chain_id] = Place(image, position, layer.blob.digest)

    def find(self, chain_id: str) -> Place | None:
        """Return the place of a layer's blob, None when it is not kept."""
        return self._places.get(chain_id)

    @contextmanager
    def plain(self, place: Place) -> Iterator[Iterator[bytes]]:
        """Stream a layer's tar. Raises DigestMismatch, at the end, when the blob was altered."""
        layer = place.image.layers[place.position]
        what = f"the blob {place.digest}"
        with self._blobs.open(place.digest) as blob:
            chunks = streams.section(blob.fileno(), 0)
            plain = streams.verified(chunks, what=what, digest=place.digest, diff_id=layer.diff_id)
            with streams.ahead(plain) as pieces:
                yield pieces


def users_of(engine: Engine, images: Iterable[ImageRecord]) -> tuple[ContainerRecord, ...]:
    """Return the containers that use one of the images, in order of id, which is the order of locking."""
    with engine.database.reading() as connection:
        ids = {user[0] for image in images for user in containers.using_image(connection, image.id)}
        found = (containers.get(connection, number) for number in sorted(ids))
        return tuple(record for record in found if record is not None)


def in_use(engine: Engine, images: Iterable[ImageRecord]) -> tuple[str, ...]:
    """Return the names of the containers that are alive with, or have mounted, one of the images."""
    return tuple(sorted(one.name for one in users_of(engine, images) if _is_mounted(engine, one)))


def _is_mounted(engine: Engine, record: ContainerRecord) -> bool:
    container = engine.layout.container(record.id)
    return observe(engine, record).status in status.ALIVE or any(
        mountinfo.below(os.path.realpath(path)) for path in (container.static, container.mounts)
    )
