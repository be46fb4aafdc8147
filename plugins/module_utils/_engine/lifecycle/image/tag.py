# SPDX-License-Identifier: GPL-3.0-or-later
"""Add names to images, and remove names."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ...errors import InvalidOption, NotFound
from ...frozen import replace
from ...images.archive.reference import candidates, normalize
from ...model.engine.record import Event, ImageRecord
from ...state import events, images
from ..core.engine import Engine
from ..core.images import find_image
from ..core.outcome import Outcome
from ..core.sidecars import image_is_kept, keep_images
from ..inspect.image import image_shape


def tag(engine: Engine, image: str, names: Sequence[str]) -> Outcome:
    """Add names to the image, moving them from images that have them; names that it has are unchanged.

    Raises NotFound, InvalidOption (``image``, ``target_names``).
    """
    wanted = tuple(dict.fromkeys(map(_target, names)))
    with engine.database.reading() as connection:
        record = find_image(connection, image)
    missing = tuple(name for name in wanted if name not in record.names)
    if engine.predicting:
        record = replace(record, names=tuple(sorted({*record.names, *missing})))
    elif missing or not image_is_kept(engine, record):
        with engine.lock_store("image tag"):
            record = _add_names(engine, record.id, missing)
    actions = tuple(f"tagged image {record.id[:12]} as {name}" for name in missing)
    return Outcome(actions, result={"image": image_shape(record)})


def untag(engine: Engine, image: str, names: Sequence[str] = ()) -> Outcome:
    """Remove names from the image, all of them if none is given; the image stays, even without a name.

    Raises NotFound, also for a name that the image does not have.
    """
    with engine.database.reading() as connection:
        record = find_image(connection, image)
    doomed = tuple(_own(record, name) for name in names) or record.names
    if doomed or not image_is_kept(engine, record):
        with engine.lock_store("image untag"):
            record = _remove_names(engine, record.id, doomed)
    actions = tuple(f"untagged {name}" for name in doomed)
    return Outcome(actions, result={"image": image_shape(record)})


def _target(name: str) -> str:
    try:
        found = normalize(name)
    except InvalidOption as error:
        raise InvalidOption("target_names", name, error.why, remedy=error.remedy) from error
    if "@" in found:
        why = "has a digest, which only a registry can assign"
        raise InvalidOption("target_names", name, why, remedy="Write a tag, as in localhost/app:1")
    return found


def _own(record: ImageRecord, name: str) -> str:
    for candidate in candidates(name):
        if candidate in record.names:
            return candidate
    near = record.names[:3]
    raise NotFound(f"name of image {record.id[:12]}", name, near=near, remedy="Use a name that the image has")


def _add_names(engine: Engine, image_id: str, names: tuple[str, ...]) -> ImageRecord:
    with engine.database.transaction() as connection:
        record = images.get(connection, image_id)
        if record is None:
            raise NotFound("image", image_id)
        images.insert(connection, replace(record, names=names))
        for name in names:
            events.add(connection, Event(time.time_ns(), "image", "tag", image_id, name))
        found = images.get(connection, image_id) or record
    keep_images(engine)
    return found


def _remove_names(engine: Engine, image_id: str, names: tuple[str, ...]) -> ImageRecord:
    with engine.database.transaction() as connection:
        record = images.get(connection, image_id)
        if record is None:
            raise NotFound("image", image_id)
        for name in set(names) & set(record.names):
            images.remove_name(connection, name)
            events.add(connection, Event(time.time_ns(), "image", "untag", image_id, name))
        found = images.get(connection, image_id) or record
    keep_images(engine)
    return found
