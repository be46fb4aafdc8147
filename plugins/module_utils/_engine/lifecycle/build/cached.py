# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the image of a stage that was built before, so that nobody builds it again."""

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
    """Which stage is asked for; ``image`` is what it is called if it is there, "" to leave its names."""

    parent: str
    key: object
    image: str = ""


def use_stage(engine: Engine, request: StageRequest) -> Outcome:
    """Return ``hit`` and the ``image`` of the stage, {} without one, and have it called as asked for.

    Raises NotFound for the parent, InvalidOption.
    """
    name = normalize(request.image) if request.image else ""
    found = None
    # In check mode the parent may be what an earlier task of the play brings: then nothing stands on it yet.
    with engine.tolerating(), engine.database.reading() as connection:
        parent = find_image(connection, request.parent)
        found = _newest(engine, images.all(connection), stage.digest(parent.id, request.key))
    if found is None:
        return Outcome(result={"hit": False, "image": {}})
    actions = (
        (f"named image {found.id.removeprefix('sha256:')[:12]} {name}",)
        if name and name not in found.names
        else ()
    )
    if actions:
        found = replace(found, names=(*found.names, name))
        if not engine.predicting:
            _name(engine, found, name)
    return Outcome(actions, result={"hit": True, "image": image_shape(found)})


def _newest(engine: Engine, known: tuple[ImageRecord, ...], wanted: str) -> ImageRecord | None:
    """Return the image that was made last with this label and is there wholly."""
    for one in reversed(known):
        is_it = config.parse(one.config).labels.get(stage.STAGE) == wanted
        if is_it and all(map(os.path.isdir, lowers_of(one, engine.layout))):
            return one
    return None


def _name(engine: Engine, record: ImageRecord, name: str) -> None:
    with engine.lock_store("image tag"):
        with engine.database.transaction() as connection:
            if images.get(connection, record.id) is None:
                raise NotFound("image", record.id, remedy="It was removed a moment ago: run the task again")
            images.insert(connection, record)
            events.add(connection, Event(time.time_ns(), "image", "tag", record.id, name))
        keep_images(engine)
