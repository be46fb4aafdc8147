# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognize artifacts that accompany images: signatures, SBOMs, attestations. They are skipped; pure.

Sources: OCI image-spec v1.1, manifest.md, "Guidelines for Artifact Usage"; cosign, specs/SIGNATURE_SPEC.md and
pkg/oci/layout; BuildKit, docs/attestations/attestation-storage.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from . import documents

REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"
_CONFIG_TYPES = (
    "",
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)
#: A layer's media type contains "tar", whichever tool wrote it.
_TAR = re.compile(r"(?:^|[./+-])tar(?:$|[./+-])")
#: Tags of artifacts that belong to the image with that digest: cosign's, and the fallback tags for referrers.
_TAG = re.compile(r"(?:.*:)?sha(?:256-[0-9a-f]{64}|512-[0-9a-f]{128})(?:\.[A-Za-z0-9]+)?")
_REFERENCE_TYPE = "vnd.docker.reference.type"
_COSIGN, _COSIGN_IMAGES = "dev.cosignproject.cosign/", ("image", "imageIndex")
_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"


def is_tag(name: str) -> bool:
    """Return whether a name is the tag of an artifact of an image."""
    return _TAG.fullmatch(name) is not None


def is_described(descriptor: Mapping[str, Any], *, what: str) -> bool:
    """Return whether a descriptor describes an artifact, not an image."""
    notes = documents.child(descriptor, "annotations", what=what)
    kind = documents.text(notes, "kind", what=what)
    names = (documents.text(notes, key, what=what) for key in (REF_NAME, CONTAINERD_NAME))
    platform = documents.child(descriptor, "platform", what=what)
    return (
        # BuildKit stores provenance beside the images, for a platform that does not exist.
        documents.text(platform, "os", what=what) == "unknown"
        or bool(documents.text(notes, _REFERENCE_TYPE, what=what))
        or (kind.startswith(_COSIGN) and kind[len(_COSIGN) :] not in _COSIGN_IMAGES)
        or documents.text(descriptor, "artifactType", what=what) not in _CONFIG_TYPES
        or documents.text(descriptor, "mediaType", what=what) == _ARTIFACT
        or any(map(is_tag, names))
    )


def is_image(manifest: Mapping[str, Any], *, what: str) -> bool:
    """Return whether a manifest is an image's, by the types of its configuration and layers."""
    config = documents.child(manifest, "config", what=what)
    layers = documents.objects(manifest.get("layers"), what=f"{what}: layers")
    types = [documents.text(layer, "mediaType", what=what) for layer in layers]
    is_known = documents.text(config, "mediaType", what=what) in _CONFIG_TYPES
    return is_known and (not types or any(not one or _TAR.search(one) for one in types))
