# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the options ``populate`` and ``populate_from`` of module ``volume``; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._engine.errors import InvalidOption
from ..._engine.model.values.text import absolute_path
from ..._engine.model.volume.spec import PopulateFrom, Refill

ONCE, AGAIN = "once", "again"
#: States in which the volume exists.
FILLED = ("present", "mounted")


def to_refill(params: Mapping[str, Any]) -> Refill | None:
    """Return the request to fill the volume, None if there is none. Raises InvalidOption."""
    populate, given = params.get("populate"), params.get("populate_from")
    if populate is None and given is None:
        return None
    if populate is None or (populate == ONCE and given is None):
        raise InvalidOption(
            "populate",
            populate,
            "requires populate_from: populate and populate_from belong together"
            if populate
            else "is missing: populate and populate_from belong together",
            remedy="Write populate: once and populate_from with image and path",
        )
    source = (
        PopulateFrom(given["image"], absolute_path("populate_from.path", given["path"])) if given else None
    )
    return Refill(populate == AGAIN, source)
