# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill a volume from an image at a task's request: while it is fresh, or again.

Only ``populate: again`` ever replaces a volume's content with an image's, and it keeps the old content as a snapshot
(lifecycle/volume/kept_snapshots.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from ...errors import InvalidOption, NotFound
from ...frozen import replace
from ...model.engine.record import ImageRecord
from ...model.values.idmap import IdMap
from ...model.volume.spec import Place, Populated, Refill, VolumeRecord
from ...plan.diff import Difference
from ...rootfs import view
from ...state import images
from ...volumes import copyup_stage
from ...volumes.copyup import CopyUp, Part, has_directory, make_tree
from ...volumes.stage import stage
from ..core.engine import Engine
from ..core.images import find_image
from ..core.outcome import Outcome
from ..core.source import Source
from ..info import info
from ..resources.volume import get_volume
from .kept_snapshots import fresh
from .populate import fill_empty, has_owner, mark, populated
from .replace import check_plain, check_unused, held, put

#: The snapshot's reason, and the beginning of its name.
_REASON = "before-populate"


class _Plan(NamedTuple):
    """A plan: copy paths of an image into a fresh volume, or (``again``) replace its content with them."""

    name: str
    image: ImageRecord
    places: tuple[Place, ...]
    again: bool
    before: Populated | None


def fill(
    engine: Engine, name: str, refill: Refill, converge: Callable[[], Outcome], *, renewed: bool = False
) -> Outcome:
    """Run ``converge``, then fill the volume; errors of the request are raised before anything changes.

    ``renewed``: ``converge`` recreates the volume, so it counts as fresh whatever it holds now. Raises InvalidOption,
    NotFound for the image or the path in it, InUse with the names of the running containers, OwnFileSystem.
    """
    plan = _plan(engine, name, refill, renewed=renewed)
    outcome = converge()
    if plan is None:
        return outcome
    if not engine.predicting and not _carry_out(engine, plan):
        return outcome  # a container's start has filled it meanwhile
    shape = outcome.result if engine.predicting else _shape(engine, name)
    return replace(
        outcome,
        actions=(*outcome.actions, _words(plan)),
        differences=(*outcome.differences, *_differences(plan)),
        cost="live",
        result=shape,
    )


def _words(plan: _Plan) -> str:
    what = "filled volume {} again from {}" if plan.again else "filled volume {} from {}"
    return what.format(plan.name, ", ".join(f"{_name(plan.image)}:{place.path}" for place in plan.places))


def _name(image: ImageRecord) -> str:
    return image.names[0] if image.names else image.id[:12]


def _differences(plan: _Plan) -> tuple[Difference, ...]:
    before, after = plan.before, plan.places[0]
    told = (
        ("image", before and before.image_id, plan.image.id),
        ("path", before and before.path, after.path),
    )
    return tuple(
        Difference(f"populated_from.{option}", old, new, "live") for option, old, new in told if old != new
    )


def _shape(engine: Engine, name: str) -> dict[str, Any]:
    shape = info.volumes(engine, [name]).result["volumes"][0]
    return {"volume": shape, "mount_point": shape["Mountpoint"]}


# -- deciding --------------------------------------------------------------------------------------


def _plan(engine: Engine, name: str, refill: Refill, *, renewed: bool) -> _Plan | None:
    """Return the plan, None when there is nothing to do."""
    record = get_volume(engine, name)
    if record is not None and record.removing:
        record = None
    is_new = renewed or record is None or _is_fresh(engine, record)
    if not refill.again and not is_new:
        return None
    known = record.populated if record else None
    image, places = _source(engine, refill, known)
    _check_paths(engine, image, places)
    if not is_new:
        check_unused(engine, name)
    if not is_new and record is not None:
        check_plain(record)
    return _Plan(name, image, places, not is_new, known)


def _is_fresh(engine: Engine, record: VolumeRecord) -> bool:
    """Return whether no container has used the volume; an unmounted one is checked when it is filled."""
    volume = engine.layout.volume(record.spec.name)
    untouched = record.needs_chown and record.populated is None
    return untouched and (not os.path.isdir(f"{volume}/data") or copyup_stage.is_fresh(volume))


def _source(engine: Engine, refill: Refill, known: Populated | None) -> tuple[ImageRecord, tuple[Place, ...]]:
    with engine.database.reading() as connection:
        if refill.source is not None:
            image = find_image(connection, refill.source.image)
            return image, (Place(refill.source.path, owners=known.owners if known else None),)
        if known is None:
            raise InvalidOption(
                "populate",
                "again",
                "has no source: this volume was never filled from an image",
                remedy="Add populate_from with image and path",
            )
        found = images.get(connection, known.image_id)
    if found is None:
        raise NotFound(
            "image", known.image_id, remedy="Add populate_from with an image that the host has, and path"
        )
    return found, known.places


def _check_paths(engine: Engine, image: ImageRecord, places: Sequence[Place]) -> None:
    with _root_of(engine, image) as rootfs:
        for place in places:
            if not has_directory(rootfs, place.path):
                raise NotFound(
                    f"directory in image {_name(image)}", place.path, remedy="Correct populate_from.path"
                )


@contextmanager
def _root_of(engine: Engine, image: ImageRecord) -> Iterator[str]:
    """Mount an image's root for this process only, and yield its path."""
    fd = view.open_image(Source.of(image, engine.layout).lowers[::-1], engine.layout.staging)
    try:
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)


# -- acting ----------------------------------------------------------------------------------------


def _carry_out(engine: Engine, plan: _Plan) -> bool:
    """Fill the volume; return False when it is no longer fresh and ``again`` is not set."""
    parts = tuple(
        Part(place.path, place.subpath, owners=IdMap.decode({**place.owners}) if place.owners else None)
        for place in plan.places
    )
    with engine.timings.of("populate"), _root_of(engine, plan.image) as rootfs:
        done = (_replace if plan.again else _fill_fresh)(engine, plan.name, rootfs, parts)
        if done is not None:
            mark(engine, plan.name, populated(plan.image.id, parts, done, None))
    return done is not None


def _fill_fresh(engine: Engine, name: str, rootfs: str, parts: Sequence[Part]) -> CopyUp | None:
    with engine.lock_volume(name, "populate"):
        record = get_volume(engine, name)
        if record is None or not record.needs_chown:
            return None
        return fill_empty(engine, record, rootfs, parts)


def _replace(engine: Engine, name: str, rootfs: str, parts: Sequence[Part]) -> CopyUp | None:
    volume = engine.layout.volume(name)
    with held(engine, name, "populate") as record, stage(volume) as top:
        made = f"{top}/content"
        os.makedirs(f"{made}/data", 0o700)
        done = make_tree(
            rootfs=rootfs, parts=parts, volume=volume, tree=f"{made}/data", keep_root=has_owner(record)
        )
        put(engine, name, made, keep=fresh(engine, name, _REASON), origin=None)
        return done
