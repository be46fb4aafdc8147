# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the image of a build stage in the cache."""

from __future__ import annotations

import os
import time

from ...errors import NotFound
from ...frozen import dataclass, replace
from ...images.archive.reference import normalize
from ...model.engine.record import Event, ImageRecord
from ...model.image import config, stage
from ...state import events, images
from ..core.engine import Engine
from ..core.images import find_image
from ..core.outcome import Outcome
from ..core.sidecars import keep_images
from ..core.source import lowers_of
from ..inspect.image import image_shape


@dataclass(frozen=True)
class StageRequest:
    """The requested stage; ``image`` is a name to add to the image if it is found, "" for none."""

    parent: str
    key: object
    image: str = ""


def use_stage(engine: Engine, request: StageRequest) -> Outcome:
    """Return ``hit`` and the stage's ``image``, {} if there is none, and add the requested name to it.

    Raises NotFound for the parent, InvalidOption.
    """
    name = normalize(request.image) if request.image else ""
    found = None
    # In check mode an earlier task of the play may bring the parent: then no stage has been built on it yet.
    with engine.tolerating(), engine.database.reading() as connection:
        parent = find_image(connection, request.parent)
        found = _newest(engine, images.all(connection), stage.digest(parent.id, request.key))
    if found is None:
        return Outcome(result={"hit": False, "image": {}})
    actions = (
        (f"named image {found.id.removeprefix('sha256:')[:12]} as {name}",)
        if name and name not in found.names
        else ()
    )
    if actions:
        found = replace(found, names=(*found.names, name))
        if not engine.predicting:
            _name(engine, found, name)
    return Outcome(actions, result={"hit": True, "image": image_shape(found)})


def _newest(engine: Engine, known: tuple[ImageRecord, ...], wanted: str) -> ImageRecord | None:
    """Return the newest image that has this label and all of its layers."""
    for one in reversed(known):
        is_it = config.parse(one.config).labels.get(stage.STAGE) == wanted
        if is_it and all(map(os.path.isdir, lowers_of(one, engine.layout))):
            return one
    return None


def _name(engine: Engine, record: ImageRecord, name: str) -> None:
    with engine.lock_store("image tag"):
        with engine.database.transaction() as connection:
            if images.get(connection, record.id) is None:
                raise NotFound("image", record.id, remedy="It has just been removed: run the task again")
            images.insert(connection, record)
            events.add(connection, Event(time.time_ns(), "image", "tag", record.id, name))
        keep_images(engine)
