# SPDX-License-Identifier: GPL-3.0-or-later
"""Write images in one of the formats of podman-save(1); the same images always give the same bytes.

Original blobs are written unchanged; other layers are reassembled, and compressed by zlib at its default level.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from ..archive import docker, docker_dir, oci_layout
from ..tar import compress
from ..tar.streams import ahead
from . import documents
from .image import (
    DOCKER_ARCHIVE,
    DOCKER_DIR,
    DOCKER_MANIFEST,
    GZIP,
    KEPT,
    OCI_MANIFEST,
    Blob,
    Saved,
    SavedImage,
    SavedLayer,
    Source,
)
from .sinks import DirectorySink, Sink, TarSink


def write_archive(fd: int, saved: Saved, source: Source, *, name: str) -> None:
    """Write one of ARCHIVES into an open, empty regular file; ``name`` is for errors.

    Raises the errors of ``source``, and StoreFull, InvalidOption (``dest``).
    """
    sink = TarSink(fd, name)
    _write(sink, saved, source)
    sink.finish()


def write_directory(fd: int, saved: Saved, source: Source, *, name: str) -> None:
    """Write a directory format below an open, empty directory; otherwise as ``write_archive``."""
    _write(DirectorySink(fd, name), saved, source)


def _write(sink: Sink, saved: Saved, source: Source) -> None:
    writers = {DOCKER_ARCHIVE: _docker_archive, DOCKER_DIR: _docker_dir}
    writers.get(saved.form, _oci)(sink, saved, source)


def _docker_archive(sink: Sink, saved: Saved, source: Source) -> None:
    items = []
    for image in saved.images:
        layers = [f"{_digits(layer.diff_id)}.tar" for layer in image.layers]
        for name, layer in zip(layers, image.layers):
            sink.put(name, _plain(source, layer))
        config = f"{_digits(image.id)}.json"
        sink.put(config, iter((image.config,)))
        items.append(documents.docker_item(image, config, layers))
    sink.put(docker.MANIFEST, iter((documents.spelled(items),)))


def _docker_dir(sink: Sink, saved: Saved, source: Source) -> None:
    (image,) = saved.images
    layers = _Layers(sink, saved, source, "")
    blobs = [
        blob._replace(media_type=documents.docker_layer_type(blob.packing))
        for blob in map(layers.write, image.layers)
    ]
    manifest = image.manifest
    if manifest is not None and saved.keeps_manifest(image):
        sink.put(_digits(image.config_digest), iter((image.config,)))
    else:
        config = _small(sink, "", image.config, documents.DOCKER_CONFIG)
        manifest = documents.manifest(DOCKER_MANIFEST, config, blobs)
    sink.put(docker_dir.MANIFEST, iter((manifest,)))
    sink.put("version", iter((documents.DOCKER_DIR_VERSION,)))


def _oci(sink: Sink, saved: Saved, source: Source) -> None:
    layers = _Layers(sink, saved, source, "blobs/sha256")
    sink.put("oci-layout", iter((documents.OCI_LAYOUT,)))
    manifests = [(_oci_image(sink, saved, image, layers), image) for image in saved.images]
    sink.put(oci_layout.INDEX, iter((documents.index(manifests),)))


def _oci_image(sink: Sink, saved: Saved, image: SavedImage, layers: _Layers) -> Blob:
    """Write an image's blobs, including its manifest; return the manifest's descriptor."""
    blobs = [
        blob._replace(media_type=documents.oci_layer_type(blob.packing))
        for blob in map(layers.write, image.layers)
    ]
    if saved.keeps_manifest(image) and image.manifest is not None and image.manifest_digest is not None:
        sink.put(_member(image.config_digest), iter((image.config,)))
        sink.put(_member(image.manifest_digest), iter((image.manifest,)))
        return Blob(image.manifest_digest, len(image.manifest), image.manifest_type)
    config = _small(sink, "blobs/sha256", image.config, documents.OCI_CONFIG)
    manifest = documents.manifest(OCI_MANIFEST, config, blobs)
    return _small(sink, "blobs/sha256", manifest, OCI_MANIFEST)


class _Layers:
    """Writes each layer once, even if several images share it."""

    def __init__(self, sink: Sink, saved: Saved, source: Source, directory: str) -> None:
        self._sink = sink
        self._saved = saved
        self._source = source
        self._directory = directory
        self._written: dict[str, Blob] = {}

    def write(self, layer: SavedLayer) -> Blob:
        """Write a layer's blob; return its descriptor."""
        packing = self._saved.packing(layer)
        if packing == KEPT and layer.blob is not None:
            self._sink.put(self._name(layer.blob.digest), self._source.blob(layer.blob.digest))
            return layer.blob
        if layer.diff_id not in self._written:
            chunks = compress.encoded(_plain(self._source, layer), GZIP if packing == GZIP else compress.NONE)
            found = self._sink.put_digested(self._directory, chunks)
            self._written[layer.diff_id] = Blob(*found, documents.oci_layer_type(packing))
        return self._written[layer.diff_id]

    def _name(self, digest: str) -> str:
        return _member(digest) if self._directory else _digits(digest)


def _plain(source: Source, layer: SavedLayer) -> Iterator[bytes]:
    """Stream a layer's tar, read ahead in a thread; nothing is opened before the first chunk is requested."""
    with ahead(source.plain(layer)) as chunks:
        yield from chunks


def _small(sink: Sink, directory: str, raw: bytes, media_type: str) -> Blob:
    digits = hashlib.sha256(raw).hexdigest()
    sink.put(f"{directory}/{digits}".lstrip("/"), iter((raw,)))
    return Blob(f"sha256:{digits}", len(raw), media_type)


def _member(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/', 1)}"


def _digits(digest: str) -> str:
    return digest.partition(":")[2] or digest
