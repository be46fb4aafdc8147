# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON documents of archives and layouts, each in a canonical spelling; pure.

Sources: OCI image-spec v1.1: manifest.md, image-index.md, image-layout.md; containers/image, docker/archive and directory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..archive import artifacts
from .image import GZIP, Blob, SavedImage

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
#: The content of the file that `dir:` of containers/image writes beside manifest.json.
DOCKER_DIR_VERSION = b"Directory Transport Version: 1.1\n"
_OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"


def spelled(document: object) -> bytes:
    """Return a document as bytes, always in the same spelling."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def oci_layer_type(packing: str) -> str:
    """Return the media type of a layer in an OCI manifest."""
    return f"{_OCI_LAYER}+{packing}" if packing in (GZIP, "zstd") else _OCI_LAYER


def docker_layer_type(packing: str) -> str:
    """Return the media type of a layer in a Docker manifest."""
    return f"{_DOCKER_LAYER}.{GZIP}" if packing == GZIP else _DOCKER_LAYER


def manifest(media_type: str, config: Blob, layers: Sequence[Blob]) -> bytes:
    """Return an image's manifest."""
    return spelled(
        {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": _descriptor(config),
            "layers": [_descriptor(layer) for layer in layers],
        }
    )


def index(manifests: Sequence[tuple[Blob, SavedImage]]) -> bytes:
    """Return the index.json of a layout: one descriptor for each name, and one for an image without names."""
    found = [_named(blob, name) for blob, image in manifests for name in image.names or ("",)]
    return spelled({"schemaVersion": 2, "manifests": found})


def docker_item(image: SavedImage, config: str, layers: Sequence[str]) -> dict[str, Any]:
    """Return an image's item in the manifest.json of a docker-archive."""
    return {"Config": config, "RepoTags": list(docker_names(image)) or None, "Layers": list(layers)}


def docker_names(image: SavedImage) -> tuple[str, ...]:
    """Return the names that a docker-archive can store: those with a tag."""
    return tuple(name for name in image.names if "@" not in name)


def _named(blob: Blob, name: str) -> dict[str, Any]:
    # containerd and newer podman read the first; skopeo finds an image of an archive by the second.
    notes = {artifacts.CONTAINERD_NAME: name, artifacts.REF_NAME: name}
    return {**_descriptor(blob), **({"annotations": notes} if name else {})}


def _descriptor(blob: Blob) -> Mapping[str, Any]:
    return {"mediaType": blob.media_type, "digest": blob.digest, "size": blob.size}
