# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull an image from a registry by policy: ask the registry, download missing blobs, load the image.

The policies are podman's (podman-pull(1), --policy). No registry is asked for an image that is in none (``localhost/app``, an
id).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ... import progress
from ...errors import (
    EngineError,
    HostLacks,
    ImageUnknown,
    NotFound,
    RegistryDenied,
    RegistryFailed,
)
from ...frozen import replace
from ...images.archive import choice, platform
from ...images.archive.image import ArchivedLayer
from ...images.archive.open import Archive
from ...images.archive.platform import Platform
from ...images.archive.reference import Parts, is_id, parse
from ...images.blobs import BlobStore
from ...images.layers.store import LayerStore
from ...model.engine.record import ImageRecord
from ...model.image import config
from ...model.image.pull import AUTO, CONTROLLER, MISSING, NEVER, NEWER, Pull
from ..core.engine import Engine
from ..core.images import find_image
from ..core.outcome import Outcome
from ..core.source import lowers_of
from ..inspect.image import image_shape
from .load import converge_images, save_digests
from .remote import REQUESTS, registries, repositories
from .remove import sweep_blobs

if TYPE_CHECKING:
    from ...images.registry.client import Repository
    from ...images.registry.resolve import Remote

#: Not a registry, but the prefix of images that are built or loaded on the host.
_LOCAL = "localhost"


def pull(engine: Engine, wanted: Pull) -> Outcome:
    """Pull the image that a task wants, unless the host has it, and it is new enough for the policy.

    Raises NotFound (policy ``never``, or an image that is in no registry), ImageUnknown (no registry has it),
    ImageWanted (the controller must fetch it), RegistryFailed, RegistryDenied, DigestMismatch, ArchiveBroken,
    UnsafeEntry, StoreFull, HostLacks (requests, zstd), InvalidOption. Check mode asks the registry and writes nothing.
    """
    known = find_whole(engine, wanted)
    if known is not None and wanted.policy in (MISSING, NEVER):
        return _unchanged(known)
    names = remote_names(wanted)
    if wanted.policy == NEVER or not names:
        with engine.database.reading() as connection:
            return _unchanged(find_image(connection, wanted.name))  # raises NotFound with similar names
    if wanted.offer is not None:
        return _offered(engine, wanted, known)
    if wanted.pull_on == CONTROLLER:
        raise _asked_of_controller(wanted, known)
    try:
        return _from_registries(engine, wanted, known, names)
    except (RegistryFailed, RegistryDenied, ImageUnknown, HostLacks) as error:
        return _unreached(engine, wanted, known, error)


def _unreached(engine: Engine, wanted: Pull, known: ImageRecord | None, error: EngineError) -> Outcome:
    """Return the host's image if the policy allows that; else raise the error, or ask the controller."""
    if _reaches_no_registry(error) and wanted.pull_on == AUTO:
        raise _asked_of_controller(wanted, known, error.message) from error
    if _reaches_no_registry(error) and isinstance(error, RegistryFailed):
        error.remedy = f"{error.remedy}. On a host without access to registries, use pull_on: controller"
    if known is None:
        raise _with_near(engine, wanted, error) from error
    if wanted.policy != NEWER or isinstance(error, (ImageUnknown, HostLacks)):
        raise error
    warning = f"{wanted.name}: {error.message}; using the image that the host has"
    return replace(_unchanged(known), warnings=(warning,))


class ImageWanted(EngineError):
    """The controller must fetch the image; the fields are the request, the platform and the known digests."""

    code = "image_wanted"


def _asked_of_controller(wanted: Pull, known: ImageRecord | None, reason: str = "") -> ImageWanted:
    want = _platform(wanted)
    return ImageWanted(
        f"the controller must fetch {wanted.name}",
        remedy="The action plugin does that. Without the plugin, set pull_on to host",
        reason=reason,
        image=wanted.name,
        policy=wanted.policy,
        platform=[want.os, want.architecture, want.variant],
        digests=[one.rpartition("@")[2] for one in known.digests] if known else [],
        access={key: getattr(wanted.access, key) for key in ("verify", "retry", "retry_delay")},
    )


def _reaches_no_registry(error: EngineError) -> bool:
    """Return whether this host cannot talk to any registry: it lacks requests, or nothing answers."""
    unreachable = (
        isinstance(error, RegistryFailed) and "status" not in error.fields and "tls" not in error.fields
    )
    return (isinstance(error, HostLacks) and error.fields.get("program") == REQUESTS) or unreachable


def _offered(engine: Engine, wanted: Pull, known: ImageRecord | None) -> Outcome:
    """Load the image that the controller offers, unless it found that the host's is the newest."""
    offer = wanted.offer or {}
    if "failed" in offer:
        host = f"the host cannot pull it: {offer['host']}; " if offer.get("host") else ""
        text = f"{wanted.name}: {host}the controller cannot pull it: {offer['failed']}"
        if known is not None and wanted.policy == NEWER and not offer.get("unknown"):
            return replace(_unchanged(known), warnings=(f"{text}; the existing image is used",))
        raise RegistryFailed(text)
    if not offer and known is not None:
        return _unchanged(known)
    from ...images.offer import decode
    from .offered import take

    return take(engine, decode(offer), wanted.place, "pulled")


def _with_near(engine: Engine, wanted: Pull, error: EngineError) -> EngineError:
    """Return the error, extended by similar names of images on this host."""
    with engine.database.reading() as connection:
        try:
            find_image(connection, wanted.name)
        except NotFound as missing:
            if near := missing.near:
                error.message = f"{error.message}; this host has {', '.join(near)}"
    return error


def find_whole(engine: Engine, wanted: Pull) -> ImageRecord | None:
    """Return the host's image if it has all of its layers, and is for the requested platform."""
    with engine.database.reading() as connection:
        try:
            found = find_image(connection, wanted.name)
        except NotFound:
            return None
    if not all(map(os.path.isdir, lowers_of(found, engine.layout))):
        return None
    return found if _fits(found, wanted) else None


def remote_names(wanted: Pull) -> tuple[Parts, ...]:
    """Return the full names to look for in registries, best first; () for an image that is in none."""
    if is_id(wanted.name) or parse(wanted.name).registry == _LOCAL:
        return ()
    return registries(wanted.access).names(wanted.name)


def _fits(image: ImageRecord, wanted: Pull) -> bool:
    if not wanted.has_platform:
        return True
    found, want = config.parse(image.config), _platform(wanted)
    same = (found.os, found.architecture) == (want.os, want.architecture)
    return same and (not wanted.variant or found.variant in (wanted.variant, ""))


def _platform(wanted: Pull) -> Platform:
    host = platform.of_host()
    if not wanted.has_platform:
        return host
    own = not wanted.architecture or wanted.architecture == host.architecture
    return Platform(
        wanted.os or host.os,
        wanted.architecture or host.architecture,
        wanted.variant or (host.variant if own else ""),
    )


def _unchanged(record: ImageRecord) -> Outcome:
    shape = image_shape(record)
    return Outcome(result={"image": shape, "images": [shape]})


# -- registries ------------------------------------------------------------------------------------


def _from_registries(
    engine: Engine, wanted: Pull, known: ImageRecord | None, names: tuple[Parts, ...]
) -> Outcome:
    """Try each name at each of its mirrors and registries until one succeeds; else raise the last error."""
    errors: list[EngineError] = []
    # When the controller can pull instead, an unreachable registry is tried only once.
    access = replace(wanted.access, waits=wanted.pull_on != AUTO)
    for name in names:
        for repository in repositories(access, name):
            try:
                outcome = _from_repository(engine, wanted, known, repository, name)
            except (RegistryFailed, RegistryDenied, ImageUnknown) as error:  # noqa: PERF203  (each place is tried by itself)
                errors.append(error)
            else:
                return replace(outcome, warnings=(*_short_name(wanted, name), *outcome.warnings))
    raise _worst(errors, wanted)


def _worst(errors: list[EngineError], wanted: Pull) -> EngineError:
    """Return the error to raise: the last one, with the messages of the others."""
    last = errors[-1]
    if len(errors) > 1:
        others = "; ".join(dict.fromkeys(error.message for error in errors[:-1]))
        last.message = f"{last.message} (before that: {others})"
    last.fields.setdefault("image", wanted.name)
    return last


def _short_name(wanted: Pull, name: Parts) -> Iterator[str]:
    """Yield a warning that says where a short name was found, unless registries.conf sets where to look."""
    known = registries(wanted.access)
    if not parse(wanted.name).registry and known.is_default:
        yield (
            f"{wanted.name} names no registry, so it was looked up at {name.registry}: write {name.text}, "
            f"or set unqualified-search-registries in {known.path}"
        )


def _from_repository(
    engine: Engine,
    wanted: Pull,
    known: ImageRecord | None,
    repository: Repository,
    name: Parts,
) -> Outcome:
    """Ask one repository, and download what the host lacks."""
    from ...images.registry.resolve import resolve

    with engine.timings.of("image_ask"):
        if known is not None and wanted.policy == NEWER and _is_newest(known, repository, name):
            return _unchanged(known)
        store = None if engine.predicting else BlobStore(engine.layout.blobs)
        remote = resolve(repository, name.reference, _platform(wanted), store, names=(name.text,))
    if engine.predicting:
        outcome = converge_images(
            engine, Fetched(remote, lambda _digest: None, BlobStore(engine.layout.blobs)), "pulled"
        )
        return replace(outcome, actions=tuple(f"{text} ({remote.digest})" for text in outcome.actions))
    return _fetch(engine, repository, remote, name.text)


def _is_newest(known: ImageRecord, repository: Repository, name: Parts) -> bool:
    """Return whether the name still refers to the image that was pulled; asks the registry."""
    prefix = f"{name.registry}/{name.path}@"
    digests = [one[len(prefix) :] for one in known.digests if one.startswith(prefix)]
    if not digests:
        return False
    return repository.head(name.reference, digests[0] if len(digests) == 1 else None) in digests


def _fetch(engine: Engine, repository: Repository, remote: Remote, name: str) -> Outcome:
    """Download the missing layers, unpack those that have arrived meanwhile, then record the image."""
    from ...images.registry.download import Downloads

    store = BlobStore(engine.layout.blobs)
    with store.in_use():
        lacking = _missing(engine, remote)
        missing = [blob for blob in remote.blobs if blob.digest in lacking]
        for digest, raw in remote.documents.items():
            store.put(digest, raw)
        # A present layer may be removed with another image meanwhile; then its blob is downloaded as well.
        with (
            progress.operation(
                f"pulling {name}", total=sum(blob.size for blob in missing), parts=len(remote.image.layers)
            ) as pulled,
            Downloads(repository, store, missing, others=remote.blobs, arrived=pulled.advance) as downloads,
        ):
            source = Fetched(remote, downloads.wait, store, lacking, lambda: _missing(engine, remote))
            outcome = converge_images(engine, source, "pulled")
        if not outcome.actions:
            save_digests(engine, source)
    sweep_blobs(engine)
    return replace(
        outcome,
        actions=tuple(f"{text} ({remote.digest})" for text in outcome.actions),
        warnings=(*outcome.warnings, *choice.platform_warnings([remote.image])),
    )


def _missing(engine: Engine, remote: Remote) -> frozenset[str]:
    """Return the blobs of the layers that are not unpacked, or by an older engine that kept no recipe."""
    store = LayerStore(engine.layout.layers, engine.layout.staging)
    return frozenset(
        layer.digest
        for layer in remote.image.layers
        if layer.digest and not (store.has(layer.chain_id) and store.has_recipe(layer.chain_id))
    )


class Fetched:
    """An image of a registry as a source of layers (lifecycle/image/load.py, ``Layers``)."""

    def __init__(
        self,
        remote: Remote,
        wait: Callable[[str], object],
        store: BlobStore,
        coming: frozenset[str] = frozenset(),
        lacking: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        from ...images.registry.resolve import Arriving

        kept = [
            *remote.documents,
            *(blob.digest for blob in remote.blobs if blob.digest in coming or store.has(blob.digest)),
        ]
        image = replace(remote.image, blobs=tuple(dict.fromkeys(kept)))
        self._wait, self._store, self._coming, self._lacking = wait, store, coming, lacking
        self._archive = Archive(Arriving(store, wait), (image,))
        self.images = (image,)

    def layer(self, layer: ArchivedLayer) -> AbstractContextManager[Iterator[bytes]]:
        """Stream a layer's plain tar; its digests are checked at its end."""
        return self._archive.layer(layer)

    def check(self, layer: ArchivedLayer) -> None:
        """Do nothing: an unpacked layer was checked then."""

    def wait(self, layer: ArchivedLayer) -> None:
        """Wait until the layer's blob has arrived, if it is being downloaded, or is needed by now."""
        if layer.digest and (layer.digest in self._coming or layer.digest in self._lacking()):
            self._wait(layer.digest)
