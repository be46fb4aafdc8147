# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the store for faults; changes nothing, takes no lock."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ...errors import ArchiveBroken, EngineError
from ...images.archive import documents
from ...images.archive.image import chain_ids
from ...images.blobs import BlobStore
from ...images.layers.store import LayerStore
from ...kernel import staging
from ...model.engine.record import ContainerRecord, ImageRecord, LayerRecord
from ...model.image import config
from ...model.values.names import is_full_id
from ...state import containers, images
from ..core.engine import Engine
from ..core.sidecars import image_is_kept, read_image
from . import fault as kinds
from .fault import Fault
from .kept import Kept, in_use

_AGAIN = "Pull it again with pull: always, or load it again"


class Rows(NamedTuple):
    """The database's rows: images by id, layers by chain id, the unused layers' chain ids, containers."""

    images: Mapping[str, ImageRecord]
    layers: Mapping[str, LayerRecord]
    unused: frozenset[str]
    containers: tuple[ContainerRecord, ...]


def read_rows(engine: Engine) -> Rows:
    """Read the rows in one transaction."""
    with engine.database.reading() as connection:
        return Rows(
            {image.id: image for image in images.all(connection)},
            images.layers(connection),
            frozenset(layer.chain_id for layer in images.unreferenced_layers(connection)),
            containers.all(connection),
        )


def look(engine: Engine, *, quick: bool = False) -> tuple[Fault, ...]:
    """Return all faults; ``quick``: do not read the contents of layers and blobs.

    Faults are checked twice, because other tasks may run meanwhile, and their work in progress is not a fault.
    """
    found = tuple(_Look(engine, quick=quick).run())
    if not found:
        return ()
    second = _Look(engine, quick=True)
    again = {(one.kind, one.subject) for one in second.run()}
    return tuple(
        one
        for one in found
        if (one.kind, one.subject) in again
        or (one.kind in (kinds.LAYER_ALTERED, kinds.BLOB_ALTERED) and second.needs(one.subject))
    )


def label(image: ImageRecord) -> str:
    """Return the image's first name, else its short id."""
    return image.names[0] if image.names else image.id.removeprefix("sha256:")[:12]


class _Look:
    """One pass over the store."""

    def __init__(self, engine: Engine, *, quick: bool) -> None:
        self._engine, self._quick = engine, quick
        self._layout = engine.layout
        self._rows = read_rows(engine)
        self._blobs = BlobStore(engine.layout.blobs)
        self._store = LayerStore(engine.layout.layers, engine.layout.staging)

    def run(self) -> Iterator[Fault]:
        for image in self._rows.images.values():
            yield from self._image(image)
        yield from self._notes()
        bad = [*self._blob_faults()]
        yield from bad
        yield from self._layer_faults({one.subject for one in bad})
        yield from self._containers()
        yield from self._left()

    def needs(self, subject: str) -> bool:
        """Return whether an image has this layer or blob."""
        return any(subject in image.blobs or _has(image, subject) for image in self._rows.images.values())

    # -- images ----------------------------------------------------------------------------------------

    def _image(self, image: ImageRecord) -> Iterator[Fault]:
        why = wrong_row(image)
        if why:
            kind, text = why
            yield self._wrong_row(image, kind, text)
        elif self._is_of_another(image):
            text = f"the manifest {image.manifest_digest} of image {label(image)} belongs to another image"
            mend = f"dropped the manifest of image {label(image)}"
            yield Fault(kinds.MANIFEST, image.id, text, mend, _AGAIN)

    def _wrong_row(self, image: ImageRecord, kind: str, text: str) -> Fault:
        beside = read_image(self._layout, image.id)
        if beside is not None and wrong_row(beside) is None:
            return Fault(kind, image.id, text, f"restored image {label(image)} from its sidecar file")
        remedy = f"Remove it (slipway rmi --force {image.id[:12]}), and pull or load it again"
        return Fault(kind, image.id, text, remedy=remedy)

    def _is_of_another(self, image: ImageRecord) -> bool:
        raw = self._blobs.read(image.manifest_digest, documents.LARGEST) if image.manifest_digest else None
        if raw is None:
            return False
        try:
            manifest = documents.parse_object(raw, what="manifest")
            named = documents.digest(documents.child(manifest, "config", what="manifest"), what="config")
        except ArchiveBroken:
            return True
        return named != f"sha256:{image.id}"

    # -- notes -----------------------------------------------------------------------------------------

    def _notes(self) -> Iterator[Fault]:
        for image in self._rows.images.values():
            if wrong_row(image) is None and not image_is_kept(self._engine, image):
                text = f"the sidecar file of image {label(image)} for a rebuild of the database is missing or wrong"
                yield Fault(kinds.NOTE, image.id, text, f"rewrote the sidecar file of image {label(image)}")
        for name in _names(self._layout.images):
            if name.removesuffix(".json") not in self._rows.images:
                yield self._unknown_note(name)

    def _unknown_note(self, name: str) -> Fault:
        path = f"{self._layout.images}/{name}"
        digits = name.removesuffix(".json")
        found = read_image(self._layout, digits) if is_full_id(digits) and name != digits else None
        if found is not None and wrong_row(found) is None and self._is_whole(found):
            text = f"image {label(found)} is on the disk, but not in the database"
            return Fault(kinds.UNKNOWN_IMAGE, found.id, text, f"added image {label(found)} to the database")
        return Fault(kinds.STRANGE, path, f"{path} belongs to no image", f"removed {path}")

    def _is_whole(self, image: ImageRecord) -> bool:
        return all(self._store.has(layer.chain_id) for layer in image.layers)

    # -- blobs -----------------------------------------------------------------------------------------

    def _blob_faults(self) -> Iterator[Fault]:
        needed: dict[str, ImageRecord] = {}
        for image in self._rows.images.values():
            needed.update(dict.fromkeys(image.blobs, image))
        there = self._blobs.list()
        for digest, image in needed.items():
            if digest not in there:
                text = f"the blob {digest} of image {label(image)} is missing"
                mend = f"dropped the blob {digest} of image {label(image)}"
                yield Fault(kinds.BLOB_MISSING, digest, text, mend, _AGAIN)
        busy = self._blobs.is_busy()
        for digest in there:
            if digest not in needed and not busy:
                text = f"no image has the blob {digest} ({self._blobs.size(digest)} bytes)"
                yield Fault(kinds.BLOB_UNUSED, digest, text, f"removed the blob {digest}")
            elif digest in needed and not self._quick and not self._blobs.is_sound(digest):
                text = f"the blob {digest} of image {label(needed[digest])} does not match its digest"
                yield Fault(kinds.BLOB_ALTERED, digest, text, f"removed the blob {digest}", _AGAIN)
        for path in self._blobs.strangers():
            yield Fault(kinds.STRANGE, path, f"{path} is not a blob", f"removed {path}")

    # -- layers ----------------------------------------------------------------------------------------

    def _layer_faults(self, bad_blobs: set[str]) -> Iterator[Fault]:
        kept = Kept(self._engine, self._rows.images.values(), bad_blobs)
        there = {*self._store.list()}
        for chain_id in self._rows.layers.keys() - self._rows.unused:
            if chain_id not in there or not self._store.has(chain_id):
                yield self._broken_layer(chain_id, "is missing", kinds.LAYER_MISSING, kept)
            elif not self._quick and (why := self._altered(chain_id)):
                yield self._broken_layer(chain_id, why, kinds.LAYER_ALTERED, kept)
        if self._blobs.is_busy():
            return  # layers of a pull in progress have no image yet
        for chain_id in sorted((there - self._rows.layers.keys()) | self._rows.unused):
            text = f"no image has the layer {chain_id}"
            yield Fault(kinds.LAYER_UNUSED, chain_id, text, f"removed the layer {chain_id}")
        for name in sorted({*_names(self._layout.layers)} - there):
            path = f"{self._layout.layers}/{name}"
            yield Fault(kinds.STRANGE, path, f"{path} is not a layer", f"removed {path}")

    def _altered(self, chain_id: str) -> str:
        """Return what is wrong with a layer's files, "" for nothing, or if its tar can't be reassembled."""
        if not self._store.can_assemble(chain_id):
            return ""
        try:
            for _piece in self._store.assemble(chain_id, diff_id=self._rows.layers[chain_id].diff_id):
                pass
        except (EngineError, OSError) as error:
            return f"was altered: {error.message if isinstance(error, EngineError) else error}"
        return ""

    def _broken_layer(self, chain_id: str, why: str, kind: str, kept: Kept) -> Fault:
        users = [image for image in self._rows.images.values() if _has(image, chain_id)]
        names = ", ".join(map(label, users))
        text = f"the layer {chain_id} of image {names} {why}"
        living = in_use(self._engine, users) if kind == kinds.LAYER_ALTERED else ()
        if living:
            remedy = f"Stop the containers that use it ({', '.join(living)}), and run the repair again"
            return Fault(kind, chain_id, text, remedy=remedy)
        if kept.find(chain_id) is None:
            return Fault(kind, chain_id, text, remedy=f"No kept blob can repair it. {_AGAIN}: {names}")
        return Fault(kind, chain_id, text, f"unpacked the layer {chain_id} again")

    # -- the rest --------------------------------------------------------------------------------------

    def _containers(self) -> Iterator[Fault]:
        for record in self._rows.containers:
            wanted = {*record.images.values(), *([record.image_id] if record.image_id else [])}
            for image_id in sorted(wanted - self._rows.images.keys()):
                text = f"image {image_id[:12]} of container {record.name} is unknown"
                remedy = f"Pull or load it again ({record.spec.image})"
                yield Fault(kinds.IMAGE_GONE, image_id, text, remedy=remedy)

    def _left(self) -> Iterator[Fault]:
        for name in staging.abandoned(self._layout.staging, _names(self._layout.staging)):
            path = f"{self._layout.staging}/{name}"
            yield Fault(kinds.LEFT, path, f"{path} was left by a killed process", f"removed {path}")


def _names(path: str) -> list[str]:
    """Return the names in a directory, [] if it does not exist: the engine has never run."""
    try:
        return sorted(os.listdir(path))
    except FileNotFoundError:
        return []


def _has(image: ImageRecord, chain_id: str) -> bool:
    return any(layer.chain_id == chain_id for layer in image.layers)


def wrong_row(image: ImageRecord) -> tuple[str, str] | None:
    """Return the kind and the text of the fault of an image's row, None without one."""
    if hashlib.sha256(image.config).hexdigest() != image.id.removeprefix("sha256:"):
        return kinds.CONFIG, f"the configuration of image {label(image)} does not match its id {image.id}"
    try:
        chain = chain_ids(config.parse(image.config).diff_ids)
    except ArchiveBroken as error:
        return kinds.CONFIG, f"the configuration of image {label(image)} can't be read: {error.message}"
    if chain != tuple(layer.chain_id for layer in image.layers):
        return kinds.LAYERS, f"the layers of image {label(image)} do not match its configuration"
    return None
