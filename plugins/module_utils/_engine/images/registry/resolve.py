# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve a name to a registry's image: its manifest for a platform, its configuration, and lazy layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ...errors import ArchiveBroken, EngineError
from ...frozen import replace
from ..archive import artifacts, documents, oci_layout, platform
from ..archive.image import ArchivedImage
from ..archive.members import Content
from ..archive.platform import Platform
from ..blobs import BlobStore
from .client import Manifest, Repository
from .download import Blob

#: An index may refer to an index; builders nest one.
_DEEPEST_INDEX = 4


class Remote(NamedTuple):
    """A registry's image: ``digest`` is that of its name, ``documents`` its manifests and config by digest."""

    image: ArchivedImage
    digest: str
    documents: Mapping[str, bytes]

    @property
    def blobs(self) -> tuple[Blob, ...]:
        """The layers' blobs, lowest first, without duplicates."""
        once = {
            layer.digest: Blob(layer.digest, layer.size or 0) for layer in self.image.layers if layer.digest
        }
        return tuple(once.values())


def resolve(
    repository: Repository,
    reference: str,
    wanted: Platform,
    store: BlobStore | None,
    *,
    names: tuple[str, ...],
) -> Remote:
    """Fetch the manifests and configuration of the image with this tag or digest, but not its layers.

    ``store`` is searched for documents first, unless it is None. Raises ImageUnknown, RegistryDenied,
    RegistryFailed, DigestMismatch, ArchiveBroken, EngineError (no image for the platform).
    """
    found: dict[str, bytes] = {}
    top = current = repository.manifest(reference)
    for _depth in range(_DEEPEST_INDEX + 1):
        found[current.digest] = current.raw
        if current.media_type not in oci_layout.INDEX_TYPES:
            break
        current = _fetched(repository, _chosen(repository, current, wanted), store)
    else:
        raise ArchiveBroken(f"{repository.name}: its indexes are nested deeper than {_DEEPEST_INDEX}")
    manifest = documents.parse_object(current.raw, what=current.digest)
    _refuse_artifact(repository, manifest, current.digest)
    config = documents.child(manifest, "config", what=current.digest)
    found.update(_config(repository, config, store))
    described = {"digest": current.digest, "mediaType": current.media_type, "size": len(current.raw)}
    image = oci_layout.image_of(_Described(found), described, names=names)
    if image is None:
        raise _no_image(repository)
    _refuse_without_sizes(repository, image)
    return Remote(replace(image, digests=_digests(repository, top, current)), top.digest, found)


def _digests(repository: Repository, *manifests: Manifest) -> tuple[str, ...]:
    name = repository.name.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    bare = head if colon and "/" not in tag else name
    return tuple(dict.fromkeys(f"{bare}@{one.digest}" for one in manifests))


def _fetched(repository: Repository, descriptor: Mapping[str, Any], store: BlobStore | None) -> Manifest:
    digest = documents.digest(descriptor, what=repository.name)
    kept = store.read(digest, documents.LARGEST) if store else None
    if kept is not None:
        return Manifest(kept, documents.text(descriptor, "mediaType", what=digest), digest)
    return repository.manifest(digest)


def _config(
    repository: Repository, descriptor: Mapping[str, Any], store: BlobStore | None
) -> Mapping[str, bytes]:
    """Fetch an image's configuration, unless the store has it."""
    digest = documents.digest(descriptor, what=f"{repository.name}: config")
    size = documents.size(descriptor, what=digest)
    if size is not None and size > documents.LARGEST:
        raise ArchiveBroken(
            f"{repository.name}: its configuration has {size} bytes, more than {documents.LARGEST}"
        )
    kept = store.read(digest, documents.LARGEST) if store else None
    if kept is None:
        what = f"{repository.name}: the configuration {digest}"
        response = repository.ask("GET", f"blobs/{digest}", {}, limit=documents.LARGEST)
        repository.expect(response, 200, what)
        kept = response.body
        try:
            oci_layout.check_document(kept, digest, size=size)
        except EngineError as error:
            error.message = f"{what}: {error.message}"
            raise
    return {digest: kept}


def _chosen(repository: Repository, index: Manifest, wanted: Platform) -> Mapping[str, Any]:
    group = documents.objects(
        documents.parse_object(index.raw, what=index.digest).get("manifests"),
        what=f"{index.digest}: manifests",
    )
    images = [one for one in group if not artifacts.is_described(one, what=index.digest)]
    if not images:
        raise _no_image(repository)
    offered = [_platform(one) for one in images]
    best = platform.best(offered, wanted)
    if best is None and len(images) == 1 and not offered[0].os:
        best = 0  # the index omits the platform, but the configuration has it
    if best is None:
        there = ", ".join(dict.fromkeys(map(str, offered)))
        raise EngineError(
            f"{repository.name} has no image for {wanted}, only for {there}",
            remedy="Choose one with arch, os and variant, or platform",
            platforms=[str(one) for one in offered],
        )
    return images[best]


def _platform(descriptor: Mapping[str, Any]) -> Platform:
    said = documents.child(descriptor, "platform", what="platform")
    return Platform(
        *(documents.text(said, key, what="platform") for key in ("os", "architecture", "variant"))
    )


def _refuse_artifact(repository: Repository, manifest: Mapping[str, Any], digest: str) -> None:
    if not artifacts.is_image(manifest, what=digest):
        raise _no_image(repository)


def _no_image(repository: Repository) -> ArchiveBroken:
    return ArchiveBroken(
        f"{repository.name} is not an image but another artifact, such as a signature, an SBOM or a chart",
        remedy="Name the image itself",
    )


def _refuse_without_sizes(repository: Repository, image: ArchivedImage) -> None:
    for layer in image.layers:
        if layer.digest is None or layer.size is None:
            raise ArchiveBroken(f"{repository.name}: its manifest has no size for the layer {layer.digest}")


class _Bytes(NamedTuple):
    raw: bytes

    @property
    def size(self) -> int:
        return len(self.raw)

    def chunks(self) -> Iterator[bytes]:
        return iter((self.raw,) if self.raw else ())


class _Absent(NamedTuple):
    """A layer that is not fetched yet; only its existence matters."""

    size: int = 0

    def chunks(self) -> Iterator[bytes]:
        raise LookupError("the layer has not been fetched")


class _Described:
    """The members of a layout of which only the describing documents exist."""

    def __init__(self, found: Mapping[str, bytes]) -> None:
        self._found = {f"blobs/{BlobStore.member(digest)}": raw for digest, raw in found.items()}

    def find(self, name: str) -> Content | None:
        return _Bytes(self._found[name]) if name in self._found else _Absent()


class Arriving:
    """The layers of images whose blobs are in a store, or on their way into it (an ``Archive``'s members)."""

    def __init__(self, store: BlobStore, wait: Callable[[str], object]) -> None:
        self._store, self._wait = store, wait

    def find(self, name: str) -> Content | None:
        """Return a blob by its path below the layout."""
        digest = name.removeprefix("blobs/").replace("/", ":", 1)
        return _Blob(self._store, self._wait, digest)


class _Blob(NamedTuple):
    store: BlobStore
    wait: Callable[[str], object]
    digest: str

    @property
    def size(self) -> int:
        return self.store.size(self.digest) or 0

    def chunks(self) -> Iterator[bytes]:
        self.wait(self.digest)
        yield from self.store.content(self.digest).chunks()
