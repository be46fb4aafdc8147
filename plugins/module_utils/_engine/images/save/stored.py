# SPDX-License-Identifier: GPL-3.0-or-later
"""The stored images as a source for save and push: their original blobs, and the bytes of their layers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from ...errors import ArchiveBroken, DigestMismatch, WrongState
from ...kernel import files
from ...model.engine.record import ImageRecord, LayerRecord
from ..archive import documents as reading
from ..blobs import BlobStore
from ..layers.store import LayerStore
from ..tar import streams
from .image import OCI_MANIFEST, Blob, SavedImage, SavedLayer

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_REMEDY = "Remove the image and load or pull it again"


class Stored:
    """The source for save; :meth:`image` reports which original blobs are stored."""

    def __init__(self, layers: LayerStore, blobs: BlobStore) -> None:
        self._layers = layers
        self._blobs = blobs

    def image(self, record: ImageRecord, names: tuple[str, ...]) -> SavedImage:
        """Return an image in the form in which it is saved under these names."""
        digest, image_id = record.manifest_digest, record.id.removeprefix("sha256:")
        raw = self._blobs.read(digest, reading.LARGEST) if digest else None
        stored = _read(raw) if raw else None
        if stored is None or len(stored.layers) != len(record.layers):
            layers = tuple(SavedLayer(layer.diff_id, layer.chain_id, None) for layer in record.layers)
            return SavedImage(image_id, names, record.config, layers)
        layers = tuple(map(self._layer, record.layers, stored.layers))
        if not all(layer.blob for layer in layers):
            return SavedImage(image_id, names, record.config, layers)
        came = (raw, digest, stored.media_type, stored.config)
        return SavedImage(image_id, names, record.config, layers, *came)

    def _layer(self, layer: LayerRecord, blob: Blob) -> SavedLayer:
        return SavedLayer(layer.diff_id, layer.chain_id, blob if self._blobs.has(blob.digest) else None)

    def check(self, layer: SavedLayer) -> None:
        """Raise WrongState if a layer is unavailable, without reading it."""
        if layer.blob is None and not self._layers.can_assemble(layer.chain_id):
            next(self._layers.assemble(layer.chain_id, diff_id=layer.diff_id))

    def plain(self, layer: SavedLayer) -> Iterator[bytes]:
        """Stream a layer's tar: from its files, or from the blob if it cannot be reassembled."""
        if layer.blob is None or self._layers.can_assemble(layer.chain_id):
            yield from self._layers.assemble(layer.chain_id, diff_id=layer.diff_id)
            return
        what = f"the blob {layer.blob.digest}"
        with self._opened(layer.blob.digest) as fd:
            chunks = streams.section(fd, 0)
            yield from streams.verified(chunks, what=what, digest=layer.blob.digest, diff_id=layer.diff_id)

    def blob(self, digest: str) -> Iterator[bytes]:
        """Stream a stored blob, checked at its end."""
        check = streams.Digest(digest)
        with self._opened(digest) as fd:
            yield from check.through(streams.section(fd, 0))
        if check.text != digest:
            why = f"the blob {digest} was altered in the store: its digest is now {check.text}"
            raise DigestMismatch(why, remedy=_REMEDY, expected=digest, actual=check.text)

    def _opened(self, digest: str) -> AbstractContextManager[int]:
        try:
            return files.held(os.open(self._blobs.path(digest), _FILE))
        except FileNotFoundError as error:
            raise WrongState(f"the blob {digest} was removed from the store", remedy=_REMEDY) from error


class _Manifest(NamedTuple):
    """The content of a stored manifest."""

    media_type: str
    config: str
    layers: tuple[Blob, ...]


def _read(raw: bytes) -> _Manifest | None:
    """Parse a manifest; return None if it is invalid, which is treated like a missing one."""
    try:
        manifest = reading.parse_object(raw, what="manifest")
        config = reading.digest(reading.child(manifest, "config", what="manifest"), what="config")
        found = reading.objects(manifest.get("layers"), what="layers")
        kind = reading.text(manifest, "mediaType", what="manifest") or OCI_MANIFEST
        return _Manifest(kind, config, tuple(map(_blob, found)))
    except ArchiveBroken:
        return None


def _blob(descriptor: dict[str, Any]) -> Blob:
    size = reading.size(descriptor, what="layer")
    kind = reading.text(descriptor, "mediaType", what="layer")
    return Blob(reading.digest(descriptor, what="layer"), size or 0, kind)
