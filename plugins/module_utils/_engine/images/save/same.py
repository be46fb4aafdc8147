# SPDX-License-Identifier: GPL-3.0-or-later
"""Check whether the destination already has what would be saved, without writing it again.

It is the same if it has the same format, exactly these images under exactly these names, their layers compressed in the same way,
and every blob matches its digest. So it is read and hashed, but nothing is compressed or written. Its origin does not matter.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...errors import ArchiveBroken, DigestMismatch, HostLacks, InvalidOption, NotFound
from ...kernel import untrusted_files
from ..archive import oci_layout
from ..archive.image import ArchivedImage, ArchivedLayer
from ..archive.open import Archive, open_archive
from ..tar.decompress import is_compressed
from . import documents
from .image import (
    DOCKER_ARCHIVE,
    DOCKER_DIR,
    KEPT,
    OCI_ARCHIVE,
    OCI_DIR,
    PLAIN,
    Saved,
    SavedImage,
    SavedLayer,
)

_BROKEN = (ArchiveBroken, DigestMismatch, HostLacks, InvalidOption, NotFound)


class Found(NamedTuple):
    """The state of the destination: its images as text; ``is_same``: it equals what would be saved."""

    is_there: bool
    holds: str = ""
    is_same: bool = False


def description(saved: Saved) -> dict[str, Any]:
    """Return what an archive must contain to be the same, as JSON types: ``form`` and ``images``.

    An image has ``id``, ``names``, ``manifest`` (its digest, None if a new one is generated) and ``layers``, lowest first: each
    the digest of its blob, or None with its diff_id and whether it is uncompressed.
    """
    images = [
        {
            "id": image.id,
            "names": sorted(_names(image, saved.form)),
            "manifest": image.manifest_digest if saved.keeps_manifest(image) else None,
            "layers": [_layer(layer, saved.packing(layer)) for layer in image.layers],
        }
        for image in saved.images
    ]
    return {"form": saved.form, "images": images}


def _layer(layer: SavedLayer, packing: str) -> dict[str, Any]:
    kept = layer.blob.digest if packing == KEPT and layer.blob else None
    return {"digest": kept, "diff_id": layer.diff_id, "plain": packing == PLAIN}


def look(path: str, wanted: Mapping[str, Any]) -> Found:
    """Compare a file or directory with such a description; raises OSError if it cannot be read."""
    if not os.path.lexists(path):
        return Found(is_there=False)
    if _is_packed(path):
        return Found(is_there=True)
    try:
        with open_archive(path, staging="/nowhere") as archive:
            is_same = _form(path, archive) == wanted["form"] and _is_same(archive, wanted["images"])
            return Found(True, " ".join(sorted(map(_described, archive.images))), is_same)
    except _BROKEN:
        return Found(is_there=True)


def told(wanted: Mapping[str, Any]) -> str:
    """Return the images that would be saved, as the same kind of text."""
    return " ".join(sorted(_words(image["id"], image["names"]) for image in wanted["images"]))


def _is_packed(path: str) -> bool:
    # An archive that is compressed as a whole is never written here, and would have to be unpacked.
    if os.path.isdir(path):
        return False
    with open(untrusted_files.open_file(path), "rb") as file:
        return is_compressed(file.read(8))


def _form(path: str, archive: Archive) -> str:
    if os.path.isdir(path):
        return OCI_DIR if os.path.exists(os.path.join(path, oci_layout.INDEX)) else DOCKER_DIR
    return OCI_ARCHIVE if any(image.manifest_digest for image in archive.images) else DOCKER_ARCHIVE


def _is_same(archive: Archive, images: Sequence[Mapping[str, Any]]) -> bool:
    there = {image.id: image for image in archive.images}
    if there.keys() != {image["id"] for image in images}:
        return False
    if not all(_is_image(there[image["id"]], image) for image in images):
        return False
    for image in archive.images:
        for layer in image.layers:
            archive.check(layer)
    return True


def _is_image(there: ArchivedImage, image: Mapping[str, Any]) -> bool:
    if sorted(there.names) != image["names"] or len(there.layers) != len(image["layers"]):
        return False
    if image["manifest"]:
        return bool(there.manifest_digest == image["manifest"])
    return all(map(_is_layer, there.layers, image["layers"]))


def _is_layer(there: ArchivedLayer, layer: Mapping[str, Any]) -> bool:
    if layer["digest"]:
        return bool(there.digest == layer["digest"])
    # Media types are not reliable here: podman declares the plain layers of docker-dir as compressed.
    plain: bool = layer["plain"]
    return (there.digest in (None, layer["diff_id"])) == plain


def _names(image: SavedImage, form: str) -> tuple[str, ...]:
    if form == DOCKER_DIR:
        return ()
    return documents.docker_names(image) if form == DOCKER_ARCHIVE else image.names


def _described(image: ArchivedImage) -> str:
    return _words(image.id, image.names)


def _words(image_id: str, names: Sequence[str]) -> str:
    return f"{image_id.removeprefix('sha256:')[:12]}({','.join(sorted(names))})"
