# SPDX-License-Identifier: GPL-3.0-or-later
"""Push an image to a registry: the blobs that the registry lacks, and a manifest.

The image's original manifest is sent byte for byte if every blob that it names is available, which preserves its digest.
Otherwise a new one is made, of reassembled and compressed layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import InvalidOption, Setting, Words
from ...frozen import dataclass, replace
from ...images.archive.reference import Parts, candidates, is_id, parse
from ...images.blobs import BlobStore
from ...images.save.image import DOCKER_ARCHIVE, DOCKER_DIR, OCI_ARCHIVE, OCI_DIR
from ...model.engine.record import ImageRecord
from ...model.image.pull import Access
from ...state import images
from ..core.engine import Engine
from ..core.images import find_image
from ..core.outcome import Outcome
from ..core.sidecars import keep_images
from ..guard.waste import sweep
from ..inspect.image import image_shape
from .deliver import deliver
from .made_anew import made_anew
from .remote import target
from .save import SaveRequest, save

if TYPE_CHECKING:
    from ...images.registry.client import Repository

#: The optional prefix of a destination in a registry (containers-transports(5)).
DOCKER = "docker://"
_LOCAL = "localhost"
#: The other prefixes of a destination, and the formats that images are saved in for them.
_FORMS = {"oci-archive": OCI_ARCHIVE, "docker-archive": DOCKER_ARCHIVE, "oci": OCI_DIR, "dir": DOCKER_DIR}


@dataclass(frozen=True)
class Push:
    """An image, and its name in the registry ("" for its own); ``force``: push even if the registry has it.

    ``dest`` may also be a file or directory, as in ``oci-archive:/srv/app.tar``.
    """

    name: str
    dest: str = ""
    access: Access = Access()
    force: bool = False


def push(engine: Engine, wanted: Push) -> Outcome:
    """Push an image, unless the tag in the registry already refers to it.

    Raises NotFound, InvalidOption, RegistryFailed, RegistryDenied, WrongState (a layer can't be reassembled), DigestMismatch,
    HostLacks (requests). Check mode asks the registry and sends nothing.
    """
    transport, _colon, place = wanted.dest.partition(":")
    if transport in _FORMS:
        return _save(engine, wanted, transport, place)
    with engine.database.reading() as connection:
        record = find_image(connection, wanted.name)
    name = _target(wanted, record)
    repository = target(wanted.access, name)
    repository.neighbours = _neighbours(repository, record, name)
    store = BlobStore(engine.layout.blobs)
    with engine.timings.of("image_ask"):
        digest = None if wanted.force else _pushed_digest(repository, store, record, name.reference)
    changed = digest is None
    if not engine.predicting:
        if digest is None:
            with engine.timings.of("image_push"), store.in_use():
                digest = _push(engine, repository, record, name.reference)
            engine.tell("image", "push", record.id, name.text)
        # A killed push may have left the tag in the registry without this, and files in the staging directory.
        _remember(engine, record, f"{name.registry}/{name.path}@{digest}")
        sweep(engine)
    return _outcome(wanted, record, name, digest or record.manifest_digest, changed=changed)


def _save(engine: Engine, wanted: Push, transport: str, place: str) -> Outcome:
    path, colon, _reference = place.partition(":")
    if colon or not path.startswith("/"):
        remedy = "Name a path on the host, without a reference; the image keeps the name that it is pushed by"
        raise InvalidOption("dest", wanted.dest, f"is not of the form {transport}:/PATH", remedy=remedy)
    done = save(engine, SaveRequest((wanted.name,), path, _FORMS[transport]))
    return replace(
        done, result={"image": done.result["images"][0], "dest": done.result["dest"], "digest": ""}
    )


def _outcome(wanted: Push, record: ImageRecord, name: Parts, digest: str | None, *, changed: bool) -> Outcome:
    label = _label(wanted.name, record)
    result = {"image": image_shape(record), "dest": name.text, "digest": digest or ""}
    return Outcome((f"pushed image {label} to {name.text}",) if changed else (), result=result)


# -- names -----------------------------------------------------------------------------------------


def _target(wanted: Push, record: ImageRecord) -> Parts:
    """Return the image's full name in the registry. Raises InvalidOption."""
    text = wanted.dest.removeprefix(DOCKER) or _own_name(wanted.name, record)
    name = parse(text)
    if not name.registry or name.registry == _LOCAL:
        why = "names no registry"
        raise InvalidOption("dest", text, why, remedy="Write REGISTRY/REPOSITORY:TAG")
    if name.suffix.startswith("@"):
        raise InvalidOption("dest", text, "has a digest, which the image determines", remedy="Write a tag")
    return name


def _label(asked: str, record: ImageRecord) -> str:
    """Return the image's name for messages: the requested one, in full."""
    meant = [] if is_id(asked) else [name for name in candidates(asked) if name in record.names]
    return next(iter((*meant, *record.names)), record.id.removeprefix("sha256:")[:12])


def _own_name(asked: str, record: ImageRecord) -> str:
    if is_id(asked) and asked.removeprefix("sha256:") in record.id:
        remedy = Words("Write ", Setting("dest", "REGISTRY/REPOSITORY:TAG"))
        raise InvalidOption("name", asked, "is an id, which names no registry", remedy=remedy)
    return next((name for name in candidates(asked) if name in record.names), asked)


def _neighbours(repository: Repository, record: ImageRecord, name: Parts) -> tuple[str, ...]:
    """Return the other repositories of the same registry that have the image."""
    if (repository.place.registry, repository.place.repository) != (name.registry, name.path):
        return ()  # registries.conf relocates the name
    known = (digest.partition("@")[0].partition("/") for digest in record.digests)
    found = (path for registry, _slash, path in known if registry == name.registry and path != name.path)
    return tuple(dict.fromkeys(found))


# -- the registry ----------------------------------------------------------------------------------


def _pushed_digest(
    repository: Repository, store: BlobStore, record: ImageRecord, reference: str
) -> str | None:
    """Return the digest that the tag refers to if that is this image already, else None.

    That is the image's original manifest; without it, any manifest with the same configuration, and so the same layers.
    """
    from ...images.registry.client import PUSH
    from ...images.registry.kept import kept, read

    found = repository.head(reference, actions=PUSH)
    if found is None or found == record.manifest_digest:
        return found
    known = kept(store, record.manifest_digest)
    if known is not None and all(store.has(digest) for digest, _size in known.layers):
        return None
    there = read(repository.manifest(found, actions=PUSH))
    return found if there is not None and there.config[0].endswith(f":{record.id}") else None


def _push(engine: Engine, repository: Repository, record: ImageRecord, reference: str) -> str:
    """Upload the missing blobs and the manifest, and return the manifest's digest."""
    from ...images.registry.kept import kept, of_bytes, of_store
    from ...images.registry.upload import put_manifest

    store = BlobStore(engine.layout.blobs)
    known = kept(store, record.manifest_digest)
    if known is not None:
        layers = [(digest, of_store(store, digest)) for digest, _size in known.layers]
        config = of_bytes(known.config[0], record.config)
        if deliver(repository, [*layers, (config.digest, config)]):
            put_manifest(repository, reference, known.manifest)
            return known.manifest.digest
    manifest = made_anew(engine, repository, record)
    put_manifest(repository, reference, manifest)
    return manifest.digest


def _remember(engine: Engine, record: ImageRecord, digest: str) -> None:
    """Record the registry's digest of the image, to find it, and to mount its blobs, by."""
    if digest in record.digests:
        return
    with engine.lock_store("image digests"), engine.database.transaction(durable=False) as connection:
        known = images.get(connection, record.id)
        if known is not None:
            images.insert(connection, replace(known, names=(), digests=(digest,)))
    keep_images(engine)
