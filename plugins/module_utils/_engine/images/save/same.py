# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell whether what is there is already what would be saved, without writing it once more.

It is, when it is of the same form, holds these images under these names and no others, their layers packed as they would be, and
every blob in it has its digest. So it is read and hashed, and nothing is compressed or written. Who made it does not matter.
"""

from __future__ import annotations

import os
from typing import NamedTuple

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
    """What is at the place to save to, and what it holds, in words; ``is_same``: it is what would be saved."""

    is_there: bool
    holds: str = ""
    is_same: bool = False


def look(path: str, saved: Saved) -> Found:
    """Look at a file or directory; raises OSError for what can't be read."""
    if not os.path.lexists(path):
        return Found(is_there=False)
    if _is_packed(path):
        return Found(is_there=True)
    try:
        with open_archive(path, staging="/nowhere") as archive:
            is_same = _form(path, archive) == saved.form and _is_same(archive, saved)
            return Found(True, " ".join(sorted(map(_told, archive.images))), is_same)
    except _BROKEN:
        return Found(is_there=True)


def told(saved: Saved) -> str:
    """Return in the same words what would be saved."""
    return " ".join(sorted(_words(image.id, _names(image, saved.form)) for image in saved.images))


def _is_packed(path: str) -> bool:
    # Compressed as a whole, as nothing that is saved here, it would be unpacked to be looked at.
    if os.path.isdir(path):
        return False
    with open(untrusted_files.open_file(path), "rb") as file:
        return is_compressed(file.read(8))


def _form(path: str, archive: Archive) -> str:
    if os.path.isdir(path):
        return OCI_DIR if os.path.exists(os.path.join(path, oci_layout.INDEX)) else DOCKER_DIR
    return OCI_ARCHIVE if any(image.manifest_digest for image in archive.images) else DOCKER_ARCHIVE


def _is_same(archive: Archive, saved: Saved) -> bool:
    there = {image.id: image for image in archive.images}
    if there.keys() != {image.id for image in saved.images}:
        return False
    if not all(_is_image(there[image.id], image, saved) for image in saved.images):
        return False
    for image in archive.images:
        for layer in image.layers:
            archive.check(layer)
    return True


def _is_image(there: ArchivedImage, image: SavedImage, saved: Saved) -> bool:
    if sorted(there.names) != sorted(_names(image, saved.form)) or len(there.layers) != len(image.layers):
        return False
    if saved.keeps_manifest(image):
        return there.manifest_digest == image.manifest_digest
    return all(_is_layer(*pair, saved) for pair in zip(there.layers, image.layers))


def _is_layer(there: ArchivedLayer, layer: SavedLayer, saved: Saved) -> bool:
    packing = saved.packing(layer)
    if packing == KEPT and layer.blob:
        return there.digest == layer.blob.digest
    # What media types say of it is not to be relied on: podman says that plain layers of docker-dir are compressed.
    return (there.digest in (None, layer.diff_id)) == (packing == PLAIN)


def _names(image: SavedImage, form: str) -> tuple[str, ...]:
    if form == DOCKER_DIR:
        return ()
    return documents.docker_names(image) if form == DOCKER_ARCHIVE else image.names


def _told(image: ArchivedImage) -> str:
    return _words(image.id, image.names)


def _words(image_id: str, names: tuple[str, ...]) -> str:
    return f"{image_id.removeprefix('sha256:')[:12]}({','.join(sorted(names))})"
