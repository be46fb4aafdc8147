# SPDX-License-Identifier: GPL-3.0-or-later
"""What an archive holds: an image and its layers as frozen data."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ArchivedLayer:
    """One layer of an image.

    ``diff_id`` is the digest of its plain tar ("sha256:..."), ``chain_id`` names it together with all below
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
    """An image: ``id`` is the sha256 of its raw configuration, ``layers`` has the lowest first."""

    id: str
    names: tuple[str, ...]
    config: bytes
    manifest_digest: str | None
    layers: tuple[ArchivedLayer, ...]


def chain_ids(diff_ids: Sequence[str]) -> tuple[str, ...]:
    """Compute the chain id of each layer (OCI image-spec, config.md, "Layer ChainID"), without the prefix."""
    chain: list[str] = []
    for diff_id in diff_ids:
        text = f"sha256:{chain[-1]} {diff_id}" if chain else ""
        chain.append(hashlib.sha256(text.encode()).hexdigest() if text else diff_id[len("sha256:") :])
    return tuple(chain)
