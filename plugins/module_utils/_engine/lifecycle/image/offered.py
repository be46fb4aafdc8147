# SPDX-License-Identifier: GPL-3.0-or-later
"""Load images that the controller has pulled, or read from an archive; report missing blobs first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack

from ... import progress
from ...errors import EngineError
from ...frozen import replace
from ...images.archive import choice
from ...images.archive.image import ArchivedLayer
from ...images.archive.members import Content, DirectoryMembers
from ...images.archive.open import Archive
from ...images.blobs import BlobStore
from ...images.layers.store import LayerStore
from ...images.offer import Offer
from ..core.engine import Engine
from ..core.outcome import Outcome
from .load import converge_images, save_digests


class BlobsWanted(EngineError):
    """The host lacks the blobs ``members`` of the offered images, which the action plugin then sends."""

    code = "blobs_wanted"


def take(engine: Engine, offer: Offer, place: str | None, verb: str) -> Outcome:
    """Load the offered images; ``place`` is the directory with the blobs that were sent, None before that.

    Raises BlobsWanted while blobs are missing, and what ``load`` raises. Check mode requests and writes nothing.
    """
    store = BlobStore(engine.layout.blobs)
    if engine.predicting:
        return _with_details(offer, converge_images(engine, _Sent(offer, None, store), verb))
    with store.in_use(), ExitStack() as stack:
        missing = _missing(engine, offer, store)
        if missing and place is None:
            raise BlobsWanted("the host lacks blobs of the image", members=missing)
        for digest, raw in offer.documents.items():
            store.put(digest, raw)
        members = DirectoryMembers(place, stack) if place else None
        if members is not None and offer.keeps:
            _keep(offer, missing, members, store)
        source = _Sent(offer, members, store)
        layers = [layer for image in offer.images for layer in image.layers]
        with progress.operation(f"unpacking {_label(offer)}", parts=len(layers)) as unpacking:
            source.archive.on_read = unpacking.advance
            outcome = converge_images(engine, source, verb)
        if not outcome.actions and offer.digest:
            save_digests(engine, source)
    return _with_details(offer, outcome)


def _label(offer: Offer) -> str:
    """Return the name of the offered image."""
    names = [name for image in offer.images for name in image.names]
    return names[0] if names else offer.images[0].id[:19]


def _with_details(offer: Offer, outcome: Outcome) -> Outcome:
    digest = f" ({offer.digest})" if offer.digest else ""
    return replace(
        outcome,
        actions=tuple(f"{text}{digest}" for text in outcome.actions),
        warnings=(
            *outcome.warnings,
            *choice.name_warnings(offer.images),
            *choice.platform_warnings(offer.images),
        ),
    )


def _missing(engine: Engine, offer: Offer, store: BlobStore) -> list[str]:
    """Return the members that the host has neither unpacked nor as kept blobs."""
    layers = {layer.member: layer for image in offer.images for layer in image.layers}
    layers_here = LayerStore(engine.layout.layers, engine.layout.staging)
    return [
        member
        for member, layer in layers.items()
        if not (layers_here.has(layer.chain_id) and layers_here.has_recipe(layer.chain_id))
        and not (layer.digest and store.has(layer.digest))
    ]


def _keep(offer: Offer, members: list[str], sent: DirectoryMembers, store: BlobStore) -> None:
    """Put the received blobs into the store, each checked against its digest."""
    for layer in {layer.member: layer for image in offer.images for layer in image.layers}.values():
        section = sent.find(layer.member) if layer.member in members else None
        if section is None or layer.digest is None:
            continue
        with store.partial(layer.digest) as partial:
            if partial is not None:
                partial.restart()
                for chunk in section.chunks():
                    partial.write(chunk)
                partial.finish()


class _Sent:
    """The offered images as a source of layers (load.py, ``Layers``)."""

    def __init__(self, offer: Offer, members: DirectoryMembers | None, store: BlobStore) -> None:
        self._store, self._members = store, members
        self.images = tuple(
            replace(image, blobs=self._kept(offer, image.layers)) if offer.keeps else image
            for image in offer.images
        )
        self.archive = Archive(self, self.images)

    def _kept(self, offer: Offer, layers: tuple[ArchivedLayer, ...]) -> tuple[str, ...]:
        found = (layer.digest for layer in layers if layer.digest and self._store.has(layer.digest))
        return tuple(dict.fromkeys((*offer.documents, *found)))

    def find(self, name: str) -> Content | None:
        """Return a blob from the store, else the one that was sent."""
        digest = name.replace("-", ":", 1)
        if self._store.has(digest):
            return self._store.content(digest)
        return self._members.find(name) if self._members else None

    def layer(self, layer: ArchivedLayer) -> AbstractContextManager[Iterator[bytes]]:
        """Stream a layer's plain tar; its digests are checked at its end."""
        return self.archive.layer(layer)

    def check(self, layer: ArchivedLayer) -> None:
        """Do nothing: an unpacked layer was checked then, and was not sent."""

    def wait(self, layer: ArchivedLayer) -> None:
        """Do nothing: the blob was sent."""
