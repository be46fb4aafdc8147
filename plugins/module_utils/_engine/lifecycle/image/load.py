# SPDX-License-Identifier: GPL-3.0-or-later
"""Load images from an archive: unpack the missing layers, then record each image in one transaction."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ... import progress
from ...errors import InvalidOption, Setting, Words
from ...frozen import replace
from ...images.archive import choice
from ...images.archive.open import ArchivedImage, ArchivedLayer, open_archive
from ...images.archive.reference import normalize
from ...images.layers.store import LayerStore
from ...images.layers.unpack import LayerContent
from ...model.engine.record import Event, ImageRecord, LayerRecord
from ...model.image import config
from ...state import events, images
from ..core.engine import Engine
from ..core.outcome import Outcome
from ..core.sidecars import keep_images
from ..core.source import lowers_of
from ..guard.waste import sweep
from ..inspect.image import image_shape


def load(engine: Engine, path: str, name: str | None = None, *, reference: str | None = None) -> Outcome:
    """Load every image of the archive; an image that exists under the same names is unchanged.

    ``reference`` selects one image, by its name in the archive or its id. ``name`` replaces the names of the archive's only
    image, or of the selected one. Raises InvalidOption, NotFound, ArchiveBroken, DigestMismatch, UnsafeEntry, StoreFull; then
    nothing is left of the archive.
    """
    staging = tempfile.gettempdir() if engine.predicting else engine.layout.staging
    with open_archive(path, staging=staging) as archive:
        source: Layers = _picked(archive, reference, path) if reference else archive
        layers = [layer for image in source.images for layer in image.layers]
        total = sum(map(archive.stored_size, layers))
        with progress.operation(f"loading {path}", total=total, parts=len(layers)) as loading:
            archive.on_read = loading.advance
            outcome = converge_images(engine, _called(source, name) if name else source, "loaded")
        # With a name from the user, the archive's names do not matter.
        names = () if name else choice.name_warnings(source.images)
    return replace(outcome, warnings=(*outcome.warnings, *names, *choice.platform_warnings(source.images)))


class Layers(Protocol):
    """A source of images: an open archive or an imported tree."""

    @property
    def images(self) -> tuple[ArchivedImage, ...]:
        """The images, each with its layers."""

    def layer(self, layer: ArchivedLayer) -> AbstractContextManager[Iterator[bytes]]:
        """Stream a layer's plain tar."""

    def check(self, layer: ArchivedLayer) -> None:
        """Check a layer that is not unpacked against its digest."""

    def wait(self, layer: ArchivedLayer) -> None:
        """Wait until the layer can be read; long waits happen here, where no lock is held."""


class _One:
    """One image of an archive, perhaps under another name."""

    def __init__(self, archive: Layers, image: ArchivedImage) -> None:
        self.images = (image,)
        self.layer = archive.layer
        self.check = archive.check
        self.wait = archive.wait


def _called(archive: Layers, name: str) -> Layers:
    if len(archive.images) != 1:
        raise InvalidOption(
            "name",
            name,
            f"can name only one image, and the archive has {len(archive.images)}",
            remedy=Words("Select one with ", Setting("reference"), f": {choice.listed(archive.images)}"),
        )
    return _One(archive, replace(archive.images[0], names=(name,)))


def _picked(archive: Layers, reference: str, path: str) -> Layers:
    image = choice.find(archive.images, reference)
    if image is None:
        remedy = f"{path} has {choice.listed(archive.images)}"
        raise InvalidOption("reference", reference, "is not an image of the archive", remedy=remedy)
    return _One(archive, image)


def converge_images(engine: Engine, source: Layers, verb: str, *, names: tuple[str, ...] = ()) -> Outcome:
    """Load every image of the source under its own and the extra names; ``verb``: as in ``loaded``."""
    wanted = [_record(image, names) for image in source.images]
    actions = tuple(text for record in wanted for text in _news(engine, record, verb))
    left_out: set[str] = set()
    if not engine.predicting:
        if actions:
            for record, image in zip(wanted, source.images):
                left_out.update(_place(engine, source, record, image))
        else:
            _check(engine, source)
        sweep(engine)
    warnings = (*_warnings(wanted), *left_out_warnings(left_out))
    brought = tuple(
        name for record in wanted for name in (record.names or (record.id.removeprefix("sha256:"),))
    )
    return Outcome(actions, result=_shapes(engine, wanted), warnings=warnings, brought=brought)


def _warnings(wanted: list[ImageRecord]) -> tuple[str, ...]:
    """Return a warning for each repair of an image's configuration; no later task reports it."""
    return tuple(
        f"image {record.names[0] if record.names else record.id[:12]}: {text}"
        for record in wanted
        for text in config.read(record.config)[1]
    )


def left_out_warnings(names: Collection[str]) -> tuple[str, ...]:
    """Return a warning about the archive's extended attributes that this host's file systems lack."""
    what = "extended attributes that the file systems of this host do not support were left out"
    return (f"{what}: {', '.join(sorted(names))}",) if names else ()


def _check(engine: Engine, source: Layers) -> None:
    """Check the layers although all are unpacked: a task that succeeds promises that the archive is good."""
    with engine.timings.of("image_check"):
        for image in source.images:
            for layer in image.layers:
                source.check(layer)


def _record(image: ArchivedImage, extra: tuple[str, ...]) -> ImageRecord:
    layers = tuple(LayerRecord(layer.chain_id, layer.diff_id, 0) for layer in image.layers)
    names = (*(normalize(name) for name in image.names), *extra)
    return ImageRecord(
        image.id,
        image.config,
        time.time_ns(),
        image.manifest_digest,
        names,
        layers,
        image.digests,
        image.blobs,
    )


def _news(engine: Engine, record: ImageRecord, verb: str) -> tuple[str, ...]:
    """Return the actions of loading the image as text."""
    label = record.names[0] if record.names else record.id[:12]
    with engine.database.reading() as connection:
        if images.get(connection, record.id) is None:
            return (f"{verb} image {label}",)
        if not all(map(os.path.isdir, lowers_of(record, engine.layout))):
            return (f"{verb} image {label} again, because layers had been removed",)
        if not all(map(_store(engine).has_recipe, (layer.chain_id for layer in record.layers))):
            return (f"prepared image {label}, which an older slipway had {verb}, for saving",)
        moved = [name for name in record.names if _owner(images.by_name(connection, name)) != record.id]
    return tuple(f"named image {record.id[:12]} as {name}" for name in moved)


def _owner(record: ImageRecord | None) -> str | None:
    return record.id if record else None


def _place(engine: Engine, source: Layers, record: ImageRecord, image: ArchivedImage) -> set[str]:
    """Unpack an image into the store; return the attributes that were left out.

    The lock is held for one layer at a time, because the next one may still be downloading. So a removal may delete layers
    that no image has yet; they are then unpacked again.
    """
    left_out: set[str] = set()
    while True:
        for position in range(len(image.layers)):
            source.wait(image.layers[position])
            with engine.lock_store("image load"):
                if _lacking(engine, image, position):
                    break
                left_out.update(_place_layer(engine, source, image, position))
            progress.finish_part()
        with engine.lock_store("image load"):
            if not _lacking(engine, image, len(image.layers)):
                save_image(engine, record)
                return left_out


def _lacking(engine: Engine, image: ArchivedImage, position: int) -> bool:
    """Return whether one of the layers below a position is missing."""
    return not _are_placed(engine, image.layers[:position])


def _are_placed(engine: Engine, layers: Sequence[ArchivedLayer]) -> bool:
    """Return whether the layers exist with their rows; one without a row was left by a killed load."""
    store = _store(engine)
    with engine.database.reading() as connection:
        return all(
            images.has_layer(connection, layer.chain_id) and store.has(layer.chain_id) for layer in layers
        )


def _store(engine: Engine) -> LayerStore:
    return LayerStore(engine.layout.layers, engine.layout.staging)


def _place_layer(engine: Engine, source: Layers, image: ArchivedImage, position: int) -> tuple[str, ...]:
    """Unpack a layer unless it exists, and add its row; return the attributes that were left out."""
    layer, store = image.layers[position], _store(engine)
    lowers = [store.diff_path(lower.chain_id) for lower in reversed(image.layers[:position])]
    if _are_placed(engine, [layer]):
        if store.has_recipe(layer.chain_id):
            with engine.timings.of("image_check"):
                source.check(layer)
        else:
            with engine.timings.of("image_unpack"), source.layer(layer) as stream:
                store.add_recipe(layer.chain_id, stream, lowers=lowers)
        return ()
    store.remove(layer.chain_id)
    content = _add(engine, source, store, layer, lowers)
    with engine.database.transaction(durable=False) as connection:
        images.add_layers(connection, [LayerRecord(layer.chain_id, layer.diff_id, content.bytes)])
    return tuple(content.left_out)


def _add(
    engine: Engine, source: Layers, store: LayerStore, layer: ArchivedLayer, lowers: list[str]
) -> LayerContent:
    with engine.timings.of("image_unpack"), source.layer(layer) as stream:
        return store.add(layer.chain_id, stream, lowers=lowers) or LayerContent(0, 0)


def save_image(engine: Engine, record: ImageRecord, *, action: str = "load") -> None:
    """Record the image and its names in one transaction; its layers have their rows already."""
    with engine.database.transaction() as connection:
        images.insert(connection, record)
        name = record.names[0] if record.names else ""
        events.add(connection, Event(record.created, "image", action, record.id, name))
    keep_images(engine)


def save_digests(engine: Engine, source: Layers) -> None:
    """Record the registry digests of images that exist already, which makes the next check cheaper."""
    with engine.lock_store("image digests"), engine.database.transaction(durable=False) as connection:
        for image in source.images:
            images.insert(connection, replace(_record(image, ()), names=()))
    keep_images(engine)


def _shapes(engine: Engine, wanted: list[ImageRecord]) -> dict[str, Any]:
    with engine.database.reading() as connection:
        shapes = [image_shape(images.get(connection, record.id) or record) for record in wanted]
    return {"image": shapes[0] if shapes else {}, "images": shapes}
