# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of an archive: images and layers as frozen data."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ...frozen import dataclass


@dataclass(frozen=True)
class ArchivedLayer:
    """One layer of an image.

    ``diff_id`` is the digest of its plain tar ("sha256:...", "sha512:..."), ``chain_id`` identifies it together with all layers
    below (64 hex digits), ``digest`` and ``size`` are those of the stored blob (None if unknown), ``member`` is the blob's name
    in the archive.
    """

    diff_id: str
    chain_id: str
    digest: str | None
    media_type: str
    size: int | None
    member: str


@dataclass(frozen=True)
class ArchivedImage:
    """An image: ``id`` is the sha256 of its raw configuration, ``layers`` has the lowest first.

    ``passed_over``: other platforms of an index without names, from which this image was chosen. ``not_names``: invalid names of
    the image in the archive. ``digests``: a registry's digests of its manifest and of the index above, each as
    ``REPOSITORY@sha256:...``; ``blobs``: the digests of its blobs that are stored unchanged.
    """

    id: str
    names: tuple[str, ...]
    config: bytes
    manifest_digest: str | None
    layers: tuple[ArchivedLayer, ...]
    passed_over: tuple[str, ...] = ()
    not_names: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    blobs: tuple[str, ...] = ()


def chain_ids(diff_ids: Sequence[str]) -> tuple[str, ...]:
    """Return the chain id of each layer (OCI image-spec, config.md, "Layer ChainID"), without the prefix.

    A chain id of another algorithm than sha256 is hashed once more, because chain ids have 64 digits here.
    """
    chain: list[str] = []
    for diff_id in diff_ids:
        if not chain and diff_id.startswith("sha256:"):
            chain.append(diff_id[len("sha256:") :])
        else:
            text = f"sha256:{chain[-1]} {diff_id}" if chain else diff_id
            chain.append(hashlib.sha256(text.encode()).hexdigest())
    return tuple(chain)
