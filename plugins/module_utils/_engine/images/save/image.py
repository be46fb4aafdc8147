# SPDX-License-Identifier: GPL-3.0-or-later
"""The images to save, as data, and the source of their bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Optional, Protocol

from ...frozen import dataclass

DOCKER_ARCHIVE, OCI_ARCHIVE, OCI_DIR, DOCKER_DIR = "docker-archive", "oci-archive", "oci-dir", "docker-dir"
#: The formats of podman-save(1), its default first.
FORMS = (DOCKER_ARCHIVE, OCI_ARCHIVE, OCI_DIR, DOCKER_DIR)
#: The formats that are a single file.
ARCHIVES = (DOCKER_ARCHIVE, OCI_ARCHIVE)

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
#: The manifest type of each format; a docker-archive has no manifests.
MANIFESTS = {OCI_ARCHIVE: OCI_MANIFEST, OCI_DIR: OCI_MANIFEST, DOCKER_DIR: DOCKER_MANIFEST}

KEPT, GZIP, PLAIN = "kept", "gzip", "plain"


class Blob(NamedTuple):
    """A descriptor of a stored or written blob: its digest, size and media type."""

    digest: str
    size: int
    media_type: str

    @property
    def packing(self) -> str:
        """The compression of a layer: ``gzip``, ``zstd``, or ``plain``."""
        ends = self.media_type.replace("+", ".").rpartition(".")[2]
        return ends if ends in (GZIP, "zstd") else PLAIN


class SavedLayer(NamedTuple):
    """A layer by its digests; ``blob``: its original blob, None if that is not stored."""

    diff_id: str
    chain_id: str
    blob: Optional[Blob]


@dataclass(frozen=True)
class SavedImage:
    """An image with the names that it is saved under, layers lowest first.

    ``manifest`` is the original one, if it and all its blobs are stored; ``config_digest`` is the configuration's digest in
    that manifest.
    """

    id: str
    names: tuple[str, ...]
    config: bytes
    layers: tuple[SavedLayer, ...]
    manifest: bytes | None = None
    manifest_digest: str | None = None
    manifest_type: str = ""
    config_digest: str = ""


class Source(Protocol):
    """The source of the layers' bytes."""

    def plain(self, layer: SavedLayer) -> Iterator[bytes]:
        """Stream a layer's plain tar, checked against its digest."""

    def blob(self, digest: str) -> Iterator[bytes]:
        """Stream a stored blob, checked against its digest."""


class Saved(NamedTuple):
    """One save: the images, the format, and whether layers are compressed (None: the format's default)."""

    images: tuple[SavedImage, ...]
    form: str
    compress: Optional[bool] = None

    def keeps_manifest(self, image: SavedImage) -> bool:
        """Return whether the image is written with its original manifest: if that is of the format's type.

        In an OCI layout, skopeo does not find a manifest of Docker's type by its name, and umoci cannot read one.
        """
        is_there = image.manifest is not None and image.manifest_type == MANIFESTS.get(self.form)
        return is_there and all(self.packing(layer) == KEPT for layer in image.layers)

    def packing(self, layer: SavedLayer) -> str:
        """Return how a layer is written: KEPT (the original blob), GZIP, or PLAIN."""
        if self.compress is False or self.form == DOCKER_ARCHIVE:
            return PLAIN
        if layer.blob is None or not self._takes(layer.blob.packing):
            return PLAIN if self.form == DOCKER_DIR and not self.compress else GZIP
        return KEPT

    def _takes(self, packing: str) -> bool:
        """Return whether a blob can be written unchanged; Docker's manifests only support gzip."""
        return packing == GZIP or (not self.compress if packing == PLAIN else self.form != DOCKER_DIR)
