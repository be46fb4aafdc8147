# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove an image's name, and with its last name the image and the layers that no other image has."""

from __future__ import annotations

import sqlite3
import time

from ...errors import InUse, NotFound, Setting, Words
from ...images.archive.reference import candidates, is_id
from ...images.blobs import BlobStore
from ...images.layers.store import LayerStore
from ...model.engine.record import Event, ImageRecord
from ...state import containers, events, images
from ..core.engine import Engine
from ..core.images import find_image
from ..core.outcome import Outcome
from ..core.sidecars import keep_images
from ..guard.waste import sweep


def remove_image(engine: Engine, name: str, *, force: bool = False) -> Outcome:
    """Remove the image with that name or id; a missing one is no change.

    If the image has other names, only this name is removed; by id or digest, an image with several names needs ``force``.
    Raises InUse, even with ``force``, with the containers that use the image: they could not start again.
    """
    with engine.database.reading() as connection:
        try:
            record = find_image(connection, name)
        except NotFound:
            return Outcome(result={"image": {}})
        doomed = _doomed_names(record, name, force=force)
        whole = set(doomed) == set(record.names)
        if whole:
            _refuse_used(connection, record, name)
    if not engine.predicting:
        with engine.timings.of("image_remove"), engine.lock_store("image remove"):
            _remove(engine, record, doomed, whole=whole)
            sweep(engine)
    label = doomed[0] if doomed else record.id[:12]
    return Outcome((f"removed image {label}" if whole else f"untagged {label}",), result={"image": {}})


def _doomed_names(record: ImageRecord, name: str, *, force: bool) -> tuple[str, ...]:
    named = tuple(candidate for candidate in candidates(name) if candidate in record.names)
    if named and not force:
        return named[:1]
    if (is_id(name) or "@" in name) and len(record.names) > 1 and not force:
        raise InUse(
            f"image {name} has several names: {', '.join(record.names)}",
            remedy=Words("Remove it by name, or write ", Setting("force", True)),
            names=list(record.names),
        )
    return record.names


def _refuse_used(connection: sqlite3.Connection, record: ImageRecord, asked: str) -> None:
    users = [user for _id, user in containers.using_image(connection, record.id)]
    if users:
        raise InUse(
            f"image {record.names[0] if record.names else asked} is used by {', '.join(users)}",
            remedy="Remove these containers first",
            users=users,
        )


def _remove(engine: Engine, record: ImageRecord, doomed: tuple[str, ...], *, whole: bool) -> None:
    """Delete the row first, then the unreferenced layers, so that a kill in between leaves only waste."""
    with engine.database.transaction() as connection:
        for name in doomed:
            images.remove_name(connection, name)
        if whole:
            _refuse_used(connection, record, record.id[:12])
            images.delete(connection, record.id)
        events.add(
            connection,
            Event(
                time.time_ns(),
                "image",
                "remove" if whole else "untag",
                record.id,
                doomed[0] if doomed else "",
            ),
        )
    keep_images(engine)
    remove_unreferenced_layers(engine)


def remove_unreferenced_layers(engine: Engine) -> int:
    """Delete the layers and blobs that no image has, and return their bytes.

    The caller holds the store's lock. A layer's directory is deleted first, its row last.
    """
    store = LayerStore(engine.layout.layers, engine.layout.staging)
    with engine.database.reading() as connection:
        waste = {layer.chain_id: layer.size for layer in images.unreferenced_layers(connection)}
        known = set(images.layers(connection))
    for chain_id in {*waste, *(set(store.list()) - known)}:
        store.remove(chain_id)
        with engine.database.transaction() as connection:
            images.delete_layer(connection, chain_id)
    return sum(waste.values()) + sweep_blobs(engine)


def sweep_blobs(engine: Engine) -> int:
    """Delete the blobs that no image has, and return their bytes; do nothing while any are being fetched."""
    return BlobStore(engine.layout.blobs).sweep(lambda: _needed_blobs(engine))


def _needed_blobs(engine: Engine) -> frozenset[str]:
    with engine.database.reading() as connection:
        return images.blobs(connection)
