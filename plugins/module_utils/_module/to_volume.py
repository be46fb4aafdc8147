# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the engine's request from the options of module ``volume``; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._engine.errors import InvalidOption
from .._engine.model.kinds import TEXTS
from .._engine.model.names import check_name
from .._engine.model.text import absolute_path
from .._engine.model.volume import PopulateFrom, Refill, VolumeSpec
from .options import refuse

#: The one driver there is: a directory below the engine's root.
LOCAL = "local"
ONCE, AGAIN = "once", "again"


@dataclass(frozen=True)
class VolumeRequest:
    """What a task asks for; ``state`` is present or absent."""

    spec: VolumeSpec
    state: str
    refill: Refill | None = None


def to_volume(params: Mapping[str, Any]) -> VolumeRequest:
    """Return what the task asks for; raises InvalidOption and NotBuiltYet, each naming the option."""
    refuse(_not_built(params), remedy="Leave it out: volumes are directories on the host so far")
    labels = TEXTS.parse("label", params["label"] or {})
    return VolumeRequest(
        VolumeSpec(check_name("name", params["name"]), labels), params["state"], _refill(params)
    )


def _refill(params: Mapping[str, Any]) -> Refill | None:
    """Return what the volume is to be filled with, None where the task does not say so."""
    populate, given = params["populate"], params["populate_from"]
    if populate is None and given is None:
        return None
    if params["state"] == "absent":
        raise InvalidOption("populate", populate, "is not for state: absent", remedy="Leave it out")
    if populate is None or (populate == ONCE and given is None):
        raise InvalidOption(
            "populate",
            populate,
            "and populate_from belong together",
            remedy="Write populate: once and populate_from with image and path",
        )
    source = (
        PopulateFrom(given["image"], absolute_path("populate_from.path", given["path"])) if given else None
    )
    return Refill(populate == AGAIN, source)


def _not_built(params: Mapping[str, Any]) -> list[str]:
    found = [f"driver: {params['driver']}"] if params["driver"] not in (None, LOCAL) else []
    return found + [name for name in ("options", "recreate") if params[name]]
