# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove unused images, and the kept blobs that can be regenerated."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection
from typing import NamedTuple

from ...frozen import replace
from ...images.blobs import BlobStore
from ...images.layers.store import LayerStore
from ...model.engine.prune import ImagePrune
from ...model.engine.record import Event, ImageRecord
from ...plan import prune as planning
from ...state import containers, events, images
from ..core.engine import Engine
from ..core.sidecars import keep_images
from ..guard.waste import sweep
from ..image.remove import remove_unreferenced_layers
from ..inspect import filters
from ..inspect.image import image_shape


class Pruned(NamedTuple):
    """The removed images, the images that lose their compressed layers, and the bytes freed."""

    images: tuple[ImageRecord, ...]
    stripped: tuple[ImageRecord, ...]
    freed: int

    @property
    def actions(self) -> tuple[str, ...]:
        """Return the actions as text."""
        return (
            *(f"removed image {label(image)}" for image in self.images),
            *(f"removed the compressed layers of image {label(image)}" for image in self.stripped),
        )


def label(image: ImageRecord) -> str:
    """Return the image's first name, else its short id."""
    return image.names[0] if image.names else image.id.removeprefix("sha256:")[:12]


def prune_images(engine: Engine, wish: ImagePrune, *, without: Collection[str] = ()) -> Pruned:
    """Remove images; ``without``: ids of containers that check mode predicts removed.

    Raises InvalidOption for a filter.
    """
    if engine.predicting:
        return foresee(engine, wish, without=without)
    with engine.timings.of("image_prune"), engine.lock_store("image prune"):
        with engine.database.transaction() as connection:
            found = _plan(engine, connection, wish, ())
            _forget(connection, found)
        keep_images(engine)
        freed = remove_unreferenced_layers(engine)
        sweep(engine)
    return found._replace(freed=freed)


def foresee(engine: Engine, wish: ImagePrune, *, without: Collection[str] = ()) -> Pruned:
    """Return what a prune would remove, and the bytes that this would free."""
    with engine.database.reading() as connection:
        return _plan(engine, connection, wish, without)


def _forget(connection: sqlite3.Connection, found: Pruned) -> None:
    """Delete the rows; directories and blobs follow, so a kill leaves only waste."""
    for image in found.images:
        images.delete(connection, image.id)
        name = image.names[0] if image.names else ""
        events.add(connection, Event(time.time_ns(), "image", "remove", image.id, name))
    for image in found.stripped:
        images.forget_blobs(connection, image.id, planning.layer_blobs(image))


def _plan(
    engine: Engine, connection: sqlite3.Connection, wish: ImagePrune, without: Collection[str]
) -> Pruned:
    known = images.all(connection)
    shapes = {image.id: image_shape(image) for image in known}
    fitting = {shape["Id"] for shape in filters.choose([*shapes.values()], wish.filters, filters.IMAGES)}
    used = {image.id for image in known if _users(connection, image, without)}
    gone = planning.doomed(known, used=used, fitting=fitting, named=wish.all, keep_last=wish.keep_last)
    rest = [image for image in known if image not in gone]
    stripped = tuple(
        image for image in rest if wish.blobs and image.id in fitting and _is_spare(engine, image)
    )
    kept = [image for image in rest if image not in stripped] + [*map(_stripped, stripped)]
    return Pruned(gone, stripped, _freed(engine, connection, kept))


def _stripped(image: ImageRecord) -> ImageRecord:
    lost = planning.layer_blobs(image)
    return replace(image, blobs=tuple(digest for digest in image.blobs if digest not in lost))


def _users(
    connection: sqlite3.Connection, image: ImageRecord, without: Collection[str]
) -> list[tuple[str, str]]:
    return [user for user in containers.using_image(connection, image.id) if user[0] not in without]


def _is_spare(engine: Engine, image: ImageRecord) -> bool:
    """Return whether compressed layers of an image are kept, and every layer's tar can be reassembled."""
    store = LayerStore(engine.layout.layers, engine.layout.staging)
    return bool(planning.layer_blobs(image)) and all(
        store.can_assemble(layer.chain_id) for layer in image.layers
    )


def _freed(engine: Engine, connection: sqlite3.Connection, kept: list[ImageRecord]) -> int:
    """Return the bytes of layers and blobs that none of the kept images needs."""
    sizes = {chain_id: layer.size for chain_id, layer in images.layers(connection).items()}
    store = BlobStore(engine.layout.blobs)
    needed = {digest for image in kept for digest in image.blobs}
    waste = (store.size(digest) or 0 for digest in store.list() if digest not in needed)
    return planning.layer_bytes(sizes, kept) + sum(waste)
