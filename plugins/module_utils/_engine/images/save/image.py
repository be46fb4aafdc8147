# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be saved: images as data, and where their bytes come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Optional, Protocol

from ...frozen import dataclass

DOCKER_ARCHIVE, OCI_ARCHIVE, OCI_DIR, DOCKER_DIR = "docker-archive", "oci-archive", "oci-dir", "docker-dir"
#: The forms of podman-save(1), its default first.
FORMS = (DOCKER_ARCHIVE, OCI_ARCHIVE, OCI_DIR, DOCKER_DIR)
#: Those that are one file.
ARCHIVES = (DOCKER_ARCHIVE, OCI_ARCHIVE)

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
#: The manifest that a form has; a docker-archive has none.
MANIFESTS = {OCI_ARCHIVE: OCI_MANIFEST, OCI_DIR: OCI_MANIFEST, DOCKER_DIR: DOCKER_MANIFEST}

KEPT, GZIP, PLAIN = "kept", "gzip", "plain"


class Blob(NamedTuple):
    """A descriptor of what is kept or was written: its digest, size and media type."""

    digest: str
    size: int
    media_type: str

    @property
    def packing(self) -> str:
        """How a layer is compressed: ``gzip``, ``zstd``, or ``plain``."""
        ends = self.media_type.replace("+", ".").rpartition(".")[2]
        return ends if ends in (GZIP, "zstd") else PLAIN


class SavedLayer(NamedTuple):
    """A layer by its digests; ``blob``: as a registry or an archive had it, None where that is not kept."""

    diff_id: str
    chain_id: str
    blob: Optional[Blob]


@dataclass(frozen=True)
class SavedImage:
    """An image with the names that it is saved under, layers lowest first.

    ``manifest`` is the one that it came with, where it and all that it names are kept; ``config_digest`` what that calls the
    configuration.
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
    """Where the bytes of layers come from."""

    def plain(self, layer: SavedLayer) -> Iterator[bytes]:
        """Stream a layer's plain tar, checked against its digest."""

    def blob(self, digest: str) -> Iterator[bytes]:
        """Stream a kept blob, checked against its digest."""


class Saved(NamedTuple):
    """All that is saved in one piece: the images, the form, and whether layers are compressed (None: as the form has it)."""

    images: tuple[SavedImage, ...]
    form: str
    compress: Optional[bool] = None

    def keeps_manifest(self, image: SavedImage) -> bool:
        """Tell whether the image is written with the manifest that it came with, byte for byte: where it is of the form's kind.

        skopeo finds none of Docker's kind by its name in an OCI layout, and umoci can't read one.
        """
        is_there = image.manifest is not None and image.manifest_type == MANIFESTS.get(self.form)
        return is_there and all(self.packing(layer) == KEPT for layer in image.layers)

    def packing(self, layer: SavedLayer) -> str:
        """Return what becomes of a layer: KEPT as it came, GZIP, or PLAIN."""
        if self.compress is False or self.form == DOCKER_ARCHIVE:
            return PLAIN
        if layer.blob is None or not self._takes(layer.blob.packing):
            return PLAIN if self.form == DOCKER_DIR and not self.compress else GZIP
        return KEPT

    def _takes(self, packing: str) -> bool:
        """Tell whether a blob may stay as it is; Docker's manifests know gzip alone."""
        return packing == GZIP or (not self.compress if packing == PLAIN else self.form != DOCKER_DIR)
