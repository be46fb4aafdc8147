# SPDX-License-Identifier: GPL-3.0-or-later
"""Push an image without a manifest: reassemble its layers and compress them, reproducibly.

A layer is compressed into an unnamed temporary file, one at a time, because its digest must be known before the registry can
be asked whether it has the layer.
"""

from __future__ import annotations

import hashlib
import tempfile
from typing import TYPE_CHECKING

from ...images.blobs import BlobStore
from ...images.layers.store import LayerStore
from ...images.save import documents
from ...images.save.image import GZIP, OCI_MANIFEST, Blob, SavedLayer
from ...images.save.stored import Stored
from ...images.tar import compress, streams
from ...model.engine.record import ImageRecord
from ..core.engine import Engine
from .deliver import deliver

if TYPE_CHECKING:
    from ...images.registry.client import Manifest, Repository


def made_anew(engine: Engine, repository: Repository, record: ImageRecord) -> Manifest:
    """Upload all blobs of an image, and return a manifest that names them; the caller uploads the manifest.

    Raises WrongState (a layer can't be reassembled), DigestMismatch (one was altered), and as ``deliver`` does.
    """
    from ...images.registry.client import Manifest
    from ...images.registry.kept import of_bytes

    store = BlobStore(engine.layout.blobs)
    source = Stored(LayerStore(engine.layout.layers, engine.layout.staging), store)
    image = source.image(record, ())
    for layer in image.layers:
        source.check(layer)
    layers = [_sent(engine, repository, source, layer) for layer in image.layers]
    config = of_bytes(_digest(record.config), record.config)
    deliver(repository, [(config.digest, config)])
    described = Blob(config.digest, config.size, documents.OCI_CONFIG)
    raw = documents.manifest(OCI_MANIFEST, described, layers)
    return Manifest(raw, OCI_MANIFEST, _digest(raw))


def _sent(engine: Engine, repository: Repository, source: Stored, layer: SavedLayer) -> Blob:
    """Upload a layer's kept blob, or a newly compressed one; return the blob."""
    from ...images.registry.kept import of_store

    if layer.blob is not None:
        kept = of_store(BlobStore(engine.layout.blobs), layer.blob.digest)
        if kept is not None and deliver(repository, [(kept.digest, kept)]):
            return Blob(kept.digest, kept.size, documents.oci_layer_type(layer.blob.packing))
    return _compressed(engine, repository, source, layer)


def _compressed(engine: Engine, repository: Repository, source: Stored, layer: SavedLayer) -> Blob:
    from ...images.registry.upload import Outgoing

    digest = streams.Digest()
    with tempfile.TemporaryFile(dir=engine.layout.staging, buffering=0) as file:
        with streams.ahead(source.plain(layer)) as chunks:
            for piece in digest.through(compress.encoded(chunks, GZIP)):
                streams.write_all(file.fileno(), memoryview(piece))
        blob = Outgoing(digest.text, digest.size, lambda offset: streams.section(file.fileno(), offset))
        deliver(repository, [(blob.digest, blob)])
    return Blob(blob.digest, blob.size, documents.oci_layer_type(GZIP))


def _digest(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"
