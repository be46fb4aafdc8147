# SPDX-License-Identifier: GPL-3.0-or-later
"""Images in a tar as `docker save` writes it: manifest.json, one JSON file per image, one tar per layer."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from typing import Any

from ...errors import ArchiveBroken
from ...model.image import config as imageconfig
from ...model.values import digests
from . import artifacts, documents
from .image import ArchivedImage, ArchivedLayer, chain_ids
from .members import Members, read_document
from .oci_layout import canonical, check_document, no_image

MANIFEST = "manifest.json"
_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar"
REPOSITORIES = "repositories"


def images(members: Members) -> tuple[ArchivedImage, ...]:
    """Read the images that manifest.json lists; raises ArchiveBroken, DigestMismatch."""
    raw = read_document(members, MANIFEST)
    if raw is None:
        raise ArchiveBroken(f"the archive has no {MANIFEST}")
    items = documents.objects(documents.parse(raw, what=MANIFEST), what=MANIFEST)
    wanted = [item for item in items if not _is_artifact(item)]
    if not wanted:
        raise no_image(is_empty=not items)
    return tuple(_image(members, item) for item in wanted)


def _is_artifact(item: Mapping[str, Any]) -> bool:
    """Return whether an item is a signature or another artifact; in this format only the tag shows it."""
    names = documents.texts(item.get("RepoTags"), what=f"{MANIFEST}: RepoTags")
    return bool(names) and all(map(artifacts.is_tag, names))


def _image(members: Members, item: Mapping[str, Any]) -> ArchivedImage:
    config = _config(members, documents.text(item, "Config", what=MANIFEST))
    blobs = documents.texts(item.get("Layers"), what=f"{MANIFEST}: Layers")
    diff_ids = imageconfig.parse(config).diff_ids
    if len(blobs) != len(diff_ids):
        raise ArchiveBroken(f"{MANIFEST} lists {len(blobs)} layers, but the configuration {len(diff_ids)}")
    layers = [
        _layer(members, blob, diff_id=diff_id, chain_id=chain_id)
        for blob, diff_id, chain_id in zip(blobs, diff_ids, chain_ids(diff_ids))
    ]
    names, others = canonical(documents.texts(item.get("RepoTags"), what=f"{MANIFEST}: RepoTags"))
    identity = hashlib.sha256(config).hexdigest()
    return ArchivedImage(identity, names, config, None, tuple(layers), not_names=others)


def _config(members: Members, member: str) -> bytes:
    raw = read_document(members, member)
    if raw is None:
        raise ArchiveBroken(f"the archive lacks the configuration {member!r} that it lists")
    # The file is named after its digest: ID.json, or blobs/sha256/ID.
    name = posixpath.splitext(posixpath.basename(member))[0]
    digest = digests.of_digits(name)
    if digest is not None:
        check_document(raw, digest)
    return raw


def _layer(members: Members, member: str, *, diff_id: str, chain_id: str) -> ArchivedLayer:
    section = members.find(member)
    if section is None:
        raise ArchiveBroken(f"the archive lacks the layer {member!r} that it lists", layer=member)
    return ArchivedLayer(diff_id, chain_id, None, _LAYER_TYPE, section.size, member)
