# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which images a prune removes, and how much that frees; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from ..model.engine.record import ImageRecord


def doomed(
    images: Sequence[ImageRecord],
    *,
    used: Collection[str],
    fitting: Collection[str],
    named: bool,
    keep_last: int | None,
) -> tuple[ImageRecord, ...]:
    """Return the images to remove: unused images that match the filters, without ``named`` only those that have no name.

    ``keep_last`` keeps this many of the newest images of each repository; one repository that keeps an image suffices.
    """
    kept = _last(images, keep_last) if keep_last is not None else frozenset()
    wide = named or keep_last is not None
    return tuple(
        image
        for image in images
        if image.id in fitting and image.id not in used and image.id not in kept and (wide or not image.names)
    )


def _last(images: Iterable[ImageRecord], count: int) -> frozenset[str]:
    """Return the IDs of the newest ``count`` images of each repository; images without a name are in none."""
    by_repository: dict[str, list[ImageRecord]] = {}
    for image in images:
        for repository in {repository_of(name) for name in image.names}:
            by_repository.setdefault(repository, []).append(image)
    newest = (
        sorted(group, key=lambda image: (image.created, image.id), reverse=True)
        for group in by_repository.values()
    )
    return frozenset(image.id for group in newest for image in group[:count])


def repository_of(name: str) -> str:
    """Return a name without its tag and digest; a colon before a slash belongs to a port."""
    bare = name.partition("@")[0]
    head, colon, tag = bare.rpartition(":")
    return head if colon and "/" not in tag else bare


def layer_bytes(sizes: Mapping[str, int], remaining: Iterable[ImageRecord]) -> int:
    """Return the bytes of the layers (sizes by chain ID) that no remaining image has."""
    needed = {layer.chain_id for image in remaining for layer in image.layers}
    return sum(size for chain_id, size in sizes.items() if chain_id not in needed)


def layer_blobs(image: ImageRecord) -> frozenset[str]:
    """Return the digests of an image's blobs, except those of its manifest, index and configuration."""
    documents = {f"sha256:{image.id.removeprefix('sha256:')}", image.manifest_digest or ""}
    documents |= {name.partition("@")[2] for name in image.digests}
    return frozenset(image.blobs) - documents
