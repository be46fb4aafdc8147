# SPDX-License-Identifier: GPL-3.0-or-later
"""The image in a directory of ``podman save --format docker-dir``: manifest.json, and blobs named by digits.

Source: containers/image, directory/directory_transport.go (transport ``dir:``).
"""

from __future__ import annotations

import hashlib
from typing import Any

from ...errors import ArchiveBroken
from . import documents, oci_layout
from .image import ArchivedImage
from .members import Content, Members

MANIFEST = "manifest.json"
_SIGNED = "application/vnd.docker.distribution.manifest.v1"


class Blobs:
    """The files of such a directory by their names in an OCI layout; ``top``: manifest.json's digest."""

    def __init__(self, members: Members, top: str) -> None:
        self._members = members
        self._top = top

    def find(self, name: str) -> Content | None:
        """Return the blob at a layout's path, or None if it is missing."""
        _blobs, algorithm, digits = name.split("/")
        if f"{algorithm}:{digits}" == self._top:
            return self._members.find(MANIFEST)
        # Newer versions prefix the algorithm if it is not sha256; manifests of a list have a suffix.
        names = [
            f"{stem}{suffix}"
            for stem in (digits, f"{algorithm}-{digits}")
            for suffix in ("", ".manifest.json")
        ]
        return next(filter(None, map(self._members.find, names)), None)


def image(members: Members, raw: bytes) -> tuple[Blobs, ArchivedImage]:
    """Read the image of the directory, whose manifest.json is ``raw``; the format stores no name.

    Raises ArchiveBroken, DigestMismatch.
    """
    top: dict[str, Any] = {"digest": f"sha256:{hashlib.sha256(raw).hexdigest()}", "size": len(raw)}
    manifest = documents.parse_object(raw, what=MANIFEST)
    kind = documents.text(manifest, "mediaType", what=MANIFEST)
    if manifest.get("schemaVersion") == 1 or kind.startswith(_SIGNED):
        why = f"{MANIFEST} has schema 1, which lacks the digests of uncompressed layers"
        raise ArchiveBroken(why, remedy="Save the image again with a newer program")
    blobs = Blobs(members, top["digest"])
    top["mediaType"] = oci_layout.INDEX_TYPES[0] if "manifests" in manifest else kind
    found = oci_layout.image_of(blobs, top, names=())
    if found is None:
        raise oci_layout.no_image(is_empty=False)
    return blobs, found
