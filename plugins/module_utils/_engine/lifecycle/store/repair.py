# SPDX-License-Identifier: GPL-3.0-or-later
"""Repair the faults of the store. A repair can be killed at any point, and run again.

Running containers are never touched: a layer that a container has mounted is left alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack
from typing import Any

from ...errors import EngineError
from ...frozen import replace
from ...images.blobs import BlobStore
from ...images.layers.store import LayerStore
from ...kernel.removal import remove_tree
from ...model.engine.record import ImageRecord, LayerRecord
from ...state import images
from ..core.engine import Engine
from ..core.outcome import Outcome
from ..core.sidecars import keep_images, read_image
from ..guard.waste import sweep
from ..image.remove import remove_unreferenced_layers
from . import fault as kinds
from .fault import Fault
from .kept import Kept, in_use, users_of
from .look import look


def check(engine: Engine, *, repair: bool = False, quick: bool = False) -> Outcome:
    """Return the faults of the store; with ``repair``, repair what can be repaired and warn of the rest."""
    with engine.timings.of("store_check"):
        found = look(engine, quick=quick)
    mended = [fault for fault in found if repair and fault.mend]
    if mended and not engine.predicting:
        with engine.timings.of("store_repair"):
            mended = _Repair(engine, mended).run()
    left = [fault for fault in found if fault not in mended]
    told = [*left, *(fault for fault in mended if fault.remedy)]
    shapes = [fault.shape(mended=fault in mended) for fault in found]
    return Outcome(
        tuple(fault.mend for fault in mended),
        result={"faults": shapes},
        warnings=tuple(". ".join(filter(None, (one.text, one.remedy))) for one in told),
    )


class _Repair:
    """One repair: rows and files first, then layers from the lowest up, then unused layers and blobs."""

    def __init__(self, engine: Engine, faults: Collection[Fault]) -> None:
        self._engine, self._faults = engine, faults
        self._blobs = BlobStore(engine.layout.blobs)
        self._store = LayerStore(engine.layout.layers, engine.layout.staging)

    def run(self) -> list[Fault]:
        """Repair, and return the repaired faults."""
        with self._engine.lock_store("store repair"):
            self._mend_rows()
            for fault in self._of(kinds.BLOB_ALTERED):
                self._blobs.remove(fault.subject)
            for fault in self._of(kinds.STRANGE, kinds.LEFT):
                remove_tree(fault.subject)
            keep_images(self._engine)
        failed = self._mend_layers()
        with self._engine.lock_store("store repair"):
            remove_unreferenced_layers(self._engine)
            sweep(self._engine)
        return [fault for fault in self._faults if fault not in failed]

    def _of(self, *wanted: str) -> list[Fault]:
        return [fault for fault in self._faults if fault.kind in wanted]

    # -- rows ------------------------------------------------------------------------------------------

    def _mend_rows(self) -> None:
        mends: Mapping[str, Callable[[sqlite3.Connection, Fault], Any]] = {
            kinds.CONFIG: self._restore,
            kinds.LAYERS: self._restore,
            kinds.UNKNOWN_IMAGE: self._restore,
            kinds.MANIFEST: lambda connection, fault: images.forget_manifest(connection, fault.subject),
            kinds.BLOB_MISSING: lambda connection, fault: images.forget_blob(connection, fault.subject),
            kinds.BLOB_ALTERED: lambda connection, fault: images.forget_blob(connection, fault.subject),
        }
        with self._engine.database.transaction() as connection:
            for fault in self._of(*mends):
                mends[fault.kind](connection, fault)

    def _restore(self, connection: sqlite3.Connection, fault: Fault) -> None:
        """Restore an image's row from its sidecar file, without names that other images have taken meanwhile."""
        beside = read_image(self._engine.layout, fault.subject)
        if beside is None:
            return
        taken = images.names(connection)
        names = tuple(name for name in beside.names if taken.get(name, beside.id) == beside.id)
        images.delete(connection, beside.id)
        images.insert(connection, replace(beside, names=names))

    # -- layers ----------------------------------------------------------------------------------------

    def _mend_layers(self) -> list[Fault]:
        """Unpack the broken layers again; return the faults that remain."""
        broken = {one.subject: one for one in self._of(kinds.LAYER_MISSING, kinds.LAYER_ALTERED)}
        if not broken:
            return []
        with self._engine.database.reading() as connection:
            known = images.all(connection)
        kept = Kept(self._engine, known)
        return [broken[one] for one in _lowest_first(known, broken) if not self._mended(one, known, kept)]

    def _mended(self, chain_id: str, known: Iterable[ImageRecord], kept: Kept) -> bool:
        """Unpack a layer again; return whether that was done.

        The locks of all containers that use it are held, so that none starts meanwhile.
        """
        users = [image for image in known if any(layer.chain_id == chain_id for layer in image.layers)]
        place = kept.find(chain_id)
        if place is None:
            return False
        with ExitStack() as locks:
            for record in users_of(self._engine, users):
                locks.enter_context(self._engine.lock_container(record.id, "store repair"))
            locks.enter_context(self._engine.lock_store("store repair"))
            if self._store.has(chain_id) and in_use(self._engine, users):
                return False
            below = place.image.layers[: place.position]
            if not all(self._store.has(layer.chain_id) for layer in below):
                return False
            lowers = [self._store.diff_path(layer.chain_id) for layer in reversed(below)]
            self._store.remove(chain_id)
            try:
                with kept.plain(place) as stream:
                    content = self._store.add(chain_id, stream, lowers=lowers)
            except EngineError as error:
                self._engine.warned.append(error)
                return False
            if content is not None:
                self._record(place.image.layers[place.position], content.bytes)
        return True

    def _record(self, layer: LayerRecord, size: int) -> None:
        with self._engine.database.transaction() as connection:
            images.add_layers(connection, [layer._replace(size=size)])


def _lowest_first(known: Iterable[ImageRecord], broken: Collection[str]) -> list[str]:
    """Return the broken layers, each after the layers below it."""
    order = dict.fromkeys(layer.chain_id for image in known for layer in image.layers)
    depth = {layer.chain_id: position for image in known for position, layer in enumerate(image.layers)}
    return sorted((one for one in order if one in broken), key=lambda one: depth[one])
