# SPDX-License-Identifier: GPL-3.0-or-later
"""An image's original manifest in the store, and the blobs that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...errors import ArchiveBroken, DigestMismatch
from ..archive import documents
from ..blobs import BlobStore
from ..tar import streams
from .client import MANIFEST_TYPES, Manifest
from .upload import Outgoing


class Kept(NamedTuple):
    """A manifest, and the digests and sizes of its configuration and its layers, lowest first."""

    manifest: Manifest
    config: tuple[str, int]
    layers: tuple[tuple[str, int], ...]


def kept(store: BlobStore, digest: str | None) -> Kept | None:
    """Return an image's stored manifest, or None if it is missing or invalid."""
    raw = store.read(digest, documents.LARGEST) if digest else None
    return None if raw is None or digest is None else read(Manifest(raw, "", digest))


def read(manifest: Manifest) -> Kept | None:
    """Parse what a manifest names; None if it is invalid or an index."""
    try:
        found = documents.parse_object(manifest.raw, what=manifest.digest)
        kind = documents.text(found, "mediaType", what=manifest.digest) or manifest.media_type
        config = _described(documents.child(found, "config", what=manifest.digest))
        layers = documents.objects(found.get("layers"), what=f"{manifest.digest}: layers")
    except ArchiveBroken:
        return None
    return Kept(
        manifest._replace(media_type=kind or MANIFEST_TYPES[0]), config, tuple(map(_described, layers))
    )


def _described(descriptor: Mapping[str, Any]) -> tuple[str, int]:
    digest = documents.digest(descriptor, what="descriptor")
    return digest, documents.size(descriptor, what=digest) or 0


def of_store(store: BlobStore, digest: str) -> Outgoing | None:
    """Return a stored blob, checked when it is read from its start; None if it is missing."""
    size = store.size(digest)
    return None if size is None else Outgoing(digest, size, lambda offset: _read(store, digest, offset))


def of_bytes(digest: str, raw: bytes) -> Outgoing:
    """Return a small blob that is in memory."""
    return Outgoing(digest, len(raw), lambda offset: iter((raw[offset:],)))


def _read(store: BlobStore, digest: str, offset: int) -> Iterator[bytes]:
    check = streams.Digest(digest)
    with store.open(digest) as stream:
        yield from check.through(streams.section(stream.fileno(), offset))
    if not offset and check.text != digest:
        raise DigestMismatch(
            f"the blob {digest} was altered in the store: its digest is now {check.text}",
            remedy="Remove the image and pull it again",
            expected=digest,
            actual=check.text,
        )
