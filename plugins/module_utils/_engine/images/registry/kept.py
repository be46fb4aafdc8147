# SPDX-License-Identifier: GPL-3.0-or-later
"""What the store keeps of an image as a registry had it: its manifest, and what that names."""

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
    """A manifest, and the digests of the configuration and the layers that it names, lowest first, each with its size."""

    manifest: Manifest
    config: tuple[str, int]
    layers: tuple[tuple[str, int], ...]


def kept(store: BlobStore, digest: str | None) -> Kept | None:
    """Return an image's manifest, None where it is not kept, or makes no sense, which is as good as none."""
    raw = store.read(digest, documents.LARGEST) if digest else None
    return None if raw is None or digest is None else read(Manifest(raw, "", digest))


def read(manifest: Manifest) -> Kept | None:
    """Return what a manifest names; None for one that makes no sense, or is an index."""
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
    """Return a blob of the store, which is checked as it is read from its beginning; None where it is not kept."""
    size = store.size(digest)
    return None if size is None else Outgoing(digest, size, lambda offset: _read(store, digest, offset))


def of_bytes(digest: str, raw: bytes) -> Outgoing:
    """Return a small blob."""
    return Outgoing(digest, len(raw), lambda offset: iter((raw[offset:],)))


def _read(store: BlobStore, digest: str, offset: int) -> Iterator[bytes]:
    check = streams.Digest(digest)
    with store.open(digest) as stream:
        yield from check.through(streams.section(stream.fileno(), offset))
    if not offset and check.text != digest:
        raise DigestMismatch(
            f"the blob {digest} was altered in the store: it has the digest {check.text}",
            remedy="Remove the image and pull it again",
            expected=digest,
            actual=check.text,
        )
