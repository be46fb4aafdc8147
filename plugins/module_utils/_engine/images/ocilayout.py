# SPDX-License-Identifier: GPL-3.0-or-later
"""Images in an OCI image layout: from index.json through manifests to configuration and layers.

Source: OCI image-spec v1.1: image-layout.md, image-index.md, manifest.md, annotations.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import ArchiveBroken, InvalidOption
from ..model import imageconfig
from . import documents, hostplatform, reference, streams
from .hostplatform import Platform
from .image import ArchivedImage, ArchivedLayer, chain_ids
from .members import Members, read_document

INDEX = "index.json"
_INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_REF_NAME = "org.opencontainers.image.ref.name"
_CONTAINERD_NAME = "io.containerd.image.name"
#: An index may name an index; builders nest one.
_DEEPEST_INDEX = 4


def images(members: Members, *, name: str) -> tuple[ArchivedImage, ...]:
    """Read the images of a layout, of each the manifest for this host; raises ArchiveBroken, DigestMismatch.

    ``name`` goes before a reference that is only a tag ("" when the archive gives no such name).
    """
    raw = read_document(members, INDEX)
    if raw is None:
        raise ArchiveBroken(f"the archive has no {INDEX}")
    top = _manifests(documents.parse_object(raw, what=INDEX), what=INDEX)
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for descriptor in top:
        groups.setdefault(_names(descriptor, name=name), []).append(descriptor)
    return tuple(
        _image(members, descriptor, names=names)
        for names, group in groups.items()
        for descriptor in _of_one_name(members, group)
    )


def _manifests(index: Mapping[str, Any], *, what: str) -> list[dict[str, Any]]:
    return documents.objects(index.get("manifests"), what=f"{what}: manifests")


def _of_one_name(members: Members, group: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Choose among the descriptors that have one name: of several platforms one, else all."""
    if len(group) > 1 and all(documents.child(one, "platform", what=INDEX) for one in group):
        group = [_chosen(group)]
    return [_through_indexes(members, descriptor) for descriptor in group]


def _through_indexes(members: Members, descriptor: dict[str, Any]) -> dict[str, Any]:
    for _depth in range(_DEEPEST_INDEX):
        if documents.text(descriptor, "mediaType", what=INDEX) not in _INDEX_TYPES:
            return descriptor
        what = documents.digest(descriptor, what=INDEX)
        descriptor = _chosen(
            _manifests(documents.parse_object(_blob(members, descriptor), what=what), what=what)
        )
    raise ArchiveBroken(f"the archive's indexes are nested deeper than {_DEEPEST_INDEX}")


def _chosen(group: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Choose the manifest for this host; the only one is taken whatever its platform."""
    images = [one for one in group if not _is_attestation(one)]
    if len(images) == 1:
        return images[0]
    offered = [_platform(one) for one in images]
    host = hostplatform.of_host()
    index = hostplatform.best(offered, host)
    if index is None:
        there = ", ".join(str(one) for one in offered) or "nothing"
        raise ArchiveBroken(
            f"the archive has no image for this host's platform {host}; it has {there}",
            remedy=f"Save the image for {host}",
            platforms=[str(one) for one in offered],
        )
    return images[index]


def _platform(descriptor: Mapping[str, Any]) -> Platform:
    found = documents.child(descriptor, "platform", what="platform")
    return Platform(
        *(documents.text(found, key, what="platform") for key in ("os", "architecture", "variant"))
    )


def _is_attestation(descriptor: Mapping[str, Any]) -> bool:
    # BuildKit puts its provenance beside the images, for a platform that nothing has.
    return _platform(descriptor).os == "unknown"


def _names(descriptor: Mapping[str, Any], *, name: str) -> tuple[str, ...]:
    notes = documents.child(descriptor, "annotations", what=INDEX)
    full = documents.text(notes, _CONTAINERD_NAME, what=INDEX)
    ref = documents.text(notes, _REF_NAME, what=INDEX)
    if not full and ref and name and not any(mark in ref for mark in ":/@"):
        ref = f"{name}:{ref}"
    return canonical([full or ref])


def canonical(names: Sequence[str]) -> tuple[str, ...]:
    """Spell names in full; what is no image name (annotations hold any text) is left out."""
    found = [_canonical(name) for name in names]
    return tuple(dict.fromkeys(name for name in found if name is not None))


def _canonical(name: str) -> str | None:
    try:
        return reference.normalize(name)
    except InvalidOption:
        return None


def _member(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/', 1)}"


def _blob(members: Members, descriptor: Mapping[str, Any]) -> bytes:
    """Read a small blob and check it."""
    digest = documents.digest(descriptor, what="descriptor")
    raw = read_document(members, _member(digest))
    if raw is None:
        raise ArchiveBroken(f"the archive names the blob {digest} and lacks it", digest=digest)
    check_document(raw, digest, size=documents.size(descriptor, what=digest))
    return raw


def check_document(raw: bytes, digest: str, *, size: int | None = None) -> None:
    """Check a small blob against its digest; raises DigestMismatch, ArchiveBroken (too short)."""
    check = streams.Digest()
    for _chunk in check.through(iter((raw,))):
        pass
    check.check(digest, what=f"the blob {digest}", size=size)


def _image(members: Members, descriptor: Mapping[str, Any], *, names: tuple[str, ...]) -> ArchivedImage:
    digest = documents.digest(descriptor, what=INDEX)
    manifest = documents.parse_object(_blob(members, descriptor), what=digest)
    config = _config(members, manifest, what=digest)
    blobs = documents.objects(manifest.get("layers"), what=f"{digest}: layers")
    diff_ids = imageconfig.parse(config).diff_ids
    if len(blobs) != len(diff_ids):
        raise ArchiveBroken(f"{digest} names {len(blobs)} layers, its configuration {len(diff_ids)}")
    layers = [
        _layer(members, blob, diff_id=diff_id, chain_id=chain_id)
        for blob, diff_id, chain_id in zip(blobs, diff_ids, chain_ids(diff_ids))
    ]
    found = documents.digest(documents.child(manifest, "config", what=digest), what=digest)
    return ArchivedImage(found.partition(":")[2], names, config, digest, tuple(layers))


def _config(members: Members, manifest: Mapping[str, Any], *, what: str) -> bytes:
    descriptor = documents.child(manifest, "config", what=what)
    if not descriptor:
        raise ArchiveBroken(f"the manifest {what} names no configuration")
    return _blob(members, descriptor)


def _layer(members: Members, blob: Mapping[str, Any], *, diff_id: str, chain_id: str) -> ArchivedLayer:
    digest = documents.digest(blob, what="layer")
    media_type = documents.text(blob, "mediaType", what=digest)
    if "+encrypted" in media_type:
        raise ArchiveBroken(
            f"the layer {digest} is encrypted", remedy="Decrypt the image first", digest=digest
        )
    if members.find(_member(digest)) is None:
        why = _why_absent(media_type)
        raise ArchiveBroken(f"the archive names the layer {digest} and lacks it{why}", digest=digest)
    size = documents.size(blob, what=digest)
    return ArchivedLayer(diff_id, chain_id, digest, media_type, size, _member(digest))


def _why_absent(media_type: str) -> str:
    is_foreign = "nondistributable" in media_type or ".foreign." in media_type
    return " (it is not distributable: its owner alone gives it out)" if is_foreign else ""
