# SPDX-License-Identifier: GPL-3.0-or-later
"""The image in a directory as ``podman save --format docker-dir`` makes it: manifest.json, and blobs named by their digits.

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
    """The files of such a directory under the names that they have in an OCI layout; ``top``: the digest of manifest.json."""

    def __init__(self, members: Members, top: str) -> None:
        self._members = members
        self._top = top

    def find(self, name: str) -> Content | None:
        """Give the blob of a layout's path, None when there is none."""
        _blobs, algorithm, digits = name.split("/")
        if f"{algorithm}:{digits}" == self._top:
            return self._members.find(MANIFEST)
        # Newer versions write the algorithm where it is not sha256; manifests of a list have a suffix.
        names = [
            f"{stem}{suffix}"
            for stem in (digits, f"{algorithm}-{digits}")
            for suffix in ("", ".manifest.json")
        ]
        return next(filter(None, map(self._members.find, names)), None)


def image(members: Members, raw: bytes) -> tuple[Blobs, ArchivedImage]:
    """Read the image of the directory, whose manifest.json is ``raw``; it has no name there.

    Raises ArchiveBroken, DigestMismatch.
    """
    top: dict[str, Any] = {"digest": f"sha256:{hashlib.sha256(raw).hexdigest()}", "size": len(raw)}
    manifest = documents.parse_object(raw, what=MANIFEST)
    kind = documents.text(manifest, "mediaType", what=MANIFEST)
    if manifest.get("schemaVersion") == 1 or kind.startswith(_SIGNED):
        why = f"{MANIFEST} is of schema 1, which says nothing of the layers' plain content"
        raise ArchiveBroken(why, remedy="Save the image again with a newer program")
    blobs = Blobs(members, top["digest"])
    top["mediaType"] = oci_layout.INDEX_TYPES[0] if "manifests" in manifest else kind
    found = oci_layout.image_of(blobs, top, names=())
    if found is None:
        raise oci_layout.no_image(is_empty=False)
    return blobs, found
