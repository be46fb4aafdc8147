# SPDX-License-Identifier: GPL-3.0-or-later
"""Images in an OCI image layout: from index.json through manifests to configuration and layers.

Source: OCI image-spec v1.1: image-layout.md, image-index.md, manifest.md, annotations.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...errors import ArchiveBroken, InvalidOption
from ...frozen import replace
from ...model.image import config as imageconfig
from ..tar import streams
from . import artifacts, documents, platform, reference
from .image import ArchivedImage, ArchivedLayer, chain_ids
from .members import Members, read_document
from .platform import Platform

INDEX = "index.json"
INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
#: An index may refer to an index; builders nest one.
_DEEPEST_INDEX = 4
#: The names that tools write for an image without a name.
_NAMELESS = ("", "<none>:<none>")


class LayersMissing(ArchiveBroken):
    """A manifest lists a different number of layers than the image has."""


def images(members: Members, *, name: str) -> tuple[ArchivedImage, ...]:
    """Read the images of a layout, each in the form for this host; raises ArchiveBroken, DigestMismatch.

    ``name`` is put before a reference that is only a tag; it is "" if the archive implies no name. Signatures and other
    artifacts are skipped.
    """
    raw = read_document(members, INDEX)
    if raw is None:
        raise ArchiveBroken(f"the archive has no {INDEX}")
    top = _manifests(documents.parse_object(raw, what=INDEX), what=INDEX)
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for descriptor in _without_artifacts(top, what=INDEX):
        groups.setdefault(_names(descriptor, name=name)[0], []).append(descriptor)
    found = [one for names, group in groups.items() for one in _of_one_name(members, group, names)]
    if not found:
        raise no_image(is_empty=not top)
    return tuple(found)


def no_image(*, is_empty: bool) -> ArchiveBroken:
    """Return the error for an archive without images: one that is empty, or only has artifacts."""
    if is_empty:
        return ArchiveBroken("the archive contains no image", remedy="Save an image into it")
    return ArchiveBroken(
        "the archive contains no image, only artifacts of one: signatures, attestations, an SBOM",
        remedy="Save the image itself",
    )


def _manifests(index: Mapping[str, Any], *, what: str) -> list[dict[str, Any]]:
    return documents.objects(index.get("manifests"), what=f"{what}: manifests")


def _without_artifacts(group: Sequence[dict[str, Any]], *, what: str) -> list[dict[str, Any]]:
    return [one for one in group if not artifacts.is_described(one, what=what)]


def _of_one_name(
    members: Members, group: Sequence[dict[str, Any]], names: tuple[str, ...]
) -> Iterator[ArchivedImage]:
    """Yield the images of the descriptors that share a name or have none: one of several platforms, else all.

    Descriptors without a name may be unrelated images. They count as platforms of one image only if no two have the same
    platform; the others are then reported in ``passed_over``.
    """
    once = list({documents.digest(one, what=INDEX): one for one in group}.values())
    platforms = [_platform(one) for one in once]
    is_choice = len(once) > 1 and all(documents.child(one, "platform", what=INDEX) for one in once)
    passed: tuple[str, ...] = ()
    if is_choice and (names or len(set(platforms)) == len(once)):
        chosen = _chosen(members, once)
        passed = () if names else tuple(str(_platform(one)) for one in once if one is not chosen)
        once = [chosen]
    for descriptor in once:
        image = image_of(members, descriptor, names=names)
        if image is not None:
            yield replace(image, passed_over=passed, not_names=_not_names(group, descriptor))


def _not_names(group: Sequence[dict[str, Any]], descriptor: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the invalid names that the descriptors of the same image have."""
    same = (one for one in group if one.get("digest") == descriptor.get("digest"))
    return tuple(dict.fromkeys(text for one in same for text in _names(one)[1]))


def image_of(members: Members, descriptor: dict[str, Any], *, names: tuple[str, ...]) -> ArchivedImage | None:
    """Read the image of a descriptor, through indexes; return None if it is an artifact."""
    found = _through_indexes(members, descriptor)
    if found is None:
        return None
    digest = documents.digest(found, what=INDEX)
    manifest = documents.parse_object(_blob(members, found), what=digest)
    if not artifacts.is_image(manifest, what=digest):
        return None
    return _image(members, manifest, digest=digest, names=names)


def _through_indexes(members: Members, descriptor: dict[str, Any]) -> dict[str, Any] | None:
    for _depth in range(_DEEPEST_INDEX):
        if documents.text(descriptor, "mediaType", what=INDEX) not in INDEX_TYPES:
            return descriptor
        what = documents.digest(descriptor, what=INDEX)
        group = _manifests(documents.parse_object(_blob(members, descriptor), what=what), what=what)
        images = _without_artifacts(group, what=what)
        if group and not images:
            return None
        descriptor = _chosen(members, images)
    raise ArchiveBroken(f"the archive's indexes are nested deeper than {_DEEPEST_INDEX}")


def _chosen(members: Members, images: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the manifest for this host; a single one is taken whatever its platform.

    An index may list platforms whose content was not saved with it.
    """
    if len(images) == 1:
        return images[0]
    offered, host = [_platform(one) for one in images], platform.of_host()
    index = platform.best(offered, host)
    if index is not None and _is_whole(members, images[index]):
        return images[index]
    whole = [one for one in images if _is_whole(members, one)]
    second = platform.best([_platform(one) for one in whole], host)
    if second is not None:
        return whole[second]
    if index is not None and not whole:
        return images[index]  # reading it raises the error that names what is missing
    raise _no_platform([_platform(one) for one in whole or images], host)


def _no_platform(there: Sequence[Platform], host: Platform) -> ArchiveBroken:
    names = [str(one) for one in there]
    return ArchiveBroken(
        f"the archive has no image for this host's platform {host}, only for {', '.join(names) or 'none'}",
        remedy=f"Save the image for {host}",
        platforms=names,
        host=str(host),
    )


def _is_whole(members: Members, descriptor: Mapping[str, Any]) -> bool:
    """Return whether the archive has a manifest and everything that it lists."""
    what = documents.digest(descriptor, what=INDEX)
    if members.find(_member(what)) is None:
        return False
    manifest = documents.parse_object(_blob(members, descriptor), what=what)
    if "manifests" in manifest:
        return True
    named = [documents.child(manifest, "config", what=what)]
    named += documents.objects(manifest.get("layers"), what=f"{what}: layers")
    return all(members.find(_member(documents.digest(one, what=what))) for one in named)


def _platform(descriptor: Mapping[str, Any]) -> Platform:
    found = documents.child(descriptor, "platform", what="platform")
    return Platform(
        *(documents.text(found, key, what="platform") for key in ("os", "architecture", "variant"))
    )


def _names(descriptor: Mapping[str, Any], *, name: str = "") -> tuple[tuple[str, ...], tuple[str, ...]]:
    notes = documents.child(descriptor, "annotations", what=INDEX)
    full = documents.text(notes, artifacts.CONTAINERD_NAME, what=INDEX)
    ref = documents.text(notes, artifacts.REF_NAME, what=INDEX)
    if not full and ref and name and not any(mark in ref for mark in ":/@"):
        ref = f"{name}:{ref}"
    return canonical([full or ref])


def canonical(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the valid names, in full, and the invalid ones (annotations can have any text)."""
    found = {name: _canonical(name) for name in names if name not in _NAMELESS}
    spelled = dict.fromkeys(full for full in found.values() if full is not None)
    return tuple(spelled), tuple(name for name, full in found.items() if full is None)


def _canonical(name: str) -> str | None:
    try:
        return reference.normalize(name)
    except InvalidOption:
        return None


def _member(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/', 1)}"


def _blob(members: Members, descriptor: Mapping[str, Any]) -> bytes:
    """Read a small blob and check its digest."""
    digest = documents.digest(descriptor, what="descriptor")
    raw = read_document(members, _member(digest))
    if raw is None:
        raise ArchiveBroken(f"the archive lacks the blob {digest} that it lists", digest=digest)
    check_document(raw, digest, size=documents.size(descriptor, what=digest))
    return raw


def check_document(raw: bytes, digest: str, *, size: int | None = None) -> None:
    """Check a small blob against its digest; raises DigestMismatch, ArchiveBroken (too short)."""
    check = streams.Digest(digest)
    for _chunk in check.through(iter((raw,))):
        pass
    check.check(digest, what=f"the blob {digest}", size=size)


def _image(
    members: Members, manifest: Mapping[str, Any], *, digest: str, names: tuple[str, ...]
) -> ArchivedImage:
    config = _config(members, manifest, what=digest)
    blobs = documents.objects(manifest.get("layers"), what=f"{digest}: layers")
    diff_ids = imageconfig.parse(config).diff_ids
    if len(blobs) != len(diff_ids):
        raise LayersMissing(f"{digest} lists {len(blobs)} layers, but its configuration {len(diff_ids)}")
    layers = [
        _layer(members, blob, diff_id=diff_id, chain_id=chain_id)
        for blob, diff_id, chain_id in zip(blobs, diff_ids, chain_ids(diff_ids))
    ]
    return ArchivedImage(hashlib.sha256(config).hexdigest(), names, config, digest, tuple(layers))


def _config(members: Members, manifest: Mapping[str, Any], *, what: str) -> bytes:
    descriptor = documents.child(manifest, "config", what=what)
    if not descriptor:
        raise ArchiveBroken(f"the manifest {what} has no configuration")
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
        raise ArchiveBroken(f"the archive lacks the layer {digest} that it lists{why}", digest=digest)
    size = documents.size(blob, what=digest)
    return ArchivedLayer(diff_id, chain_id, digest, media_type, size, _member(digest))


def _why_absent(media_type: str) -> str:
    is_foreign = "nondistributable" in media_type or ".foreign." in media_type
    return " (it is not distributable: only its owner provides it)" if is_foreign else ""
