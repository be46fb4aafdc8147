# SPDX-License-Identifier: GPL-3.0-or-later
"""What an archive holds: an image and its layers as frozen data."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ...frozen import dataclass


@dataclass(frozen=True)
class ArchivedLayer:
    """One layer of an image.

    ``diff_id`` is the digest of its plain tar ("sha256:...", "sha512:..."), ``chain_id`` names it together with all below
    it (64 hex digits), ``digest`` and ``size`` are those of the blob as it is stored (None when nothing says
    them), ``member`` is the blob's name in the archive.
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

    ``passed_over``: the other platforms that it was chosen among, where they may have been asked for as well.
    ``not_names``: what the archive calls it that can't be an image's name. ``digests``: by what a registry knows it, of its
    manifest and of the index that leads to it, each as ``REPOSITORY@sha256:...``; ``blobs``: what is kept of it as it came.
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
    """Compute the chain id of each layer (OCI image-spec, config.md, "Layer ChainID"), without the prefix.

    One that is of another algorithm than sha256 is digested once more: a chain id has 64 digits here.
    """
    chain: list[str] = []
    for diff_id in diff_ids:
        if not chain and diff_id.startswith("sha256:"):
            chain.append(diff_id[len("sha256:") :])
        else:
            text = f"sha256:{chain[-1]} {diff_id}" if chain else diff_id
            chain.append(hashlib.sha256(text.encode()).hexdigest())
    return tuple(chain)
