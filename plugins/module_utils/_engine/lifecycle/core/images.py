# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup of images by the names that people write."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from ...errors import InvalidOption, NotFound, Setting, Words
from ...images.archive.reference import candidates
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord, ImageRecord
from ...model.mounts.mount import IMAGE
from ...model.values.names import alike, is_beginning, is_full_id, is_whole_id, near
from ...state import images
from .engine import Engine


def find_image(connection: sqlite3.Connection, name: str) -> ImageRecord:
    """Return the image with that name or full id. Raises NotFound with similar names.

    A full id has 64 digits, or their first 12. 64 digits are looked up as an id first, 12 digits as a name first. Other
    prefixes of an id are not accepted: a name that does not exist may be one by chance.
    """
    found = (
        images.get(connection, f"sha256:{name.removeprefix('sha256:')}") if is_full_id(name[-64:]) else None
    )
    for candidate in candidates(name):
        found = found or images.by_name(connection, candidate)
    if found is None and is_whole_id(name.removeprefix("sha256:")):
        found = by_id(connection, name)
    if found is None:
        remedy = Words(
            "Load it with ", Setting("slipway.oci.image_load"), ", or import it with slipway.oci.image_import"
        )
        raise NotFound("image", name, near=_near(name, images.names(connection)), remedy=remedy)
    return found


def _near(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the known names similar to any expansion of a short name, best first."""
    hits = (hit for candidate in (name, *candidates(name)) for hit in near(candidate, known))
    return tuple(dict.fromkeys(hits))[:3]


def named_by(connection: sqlite3.Connection, spec: ContainerSpec) -> dict[str, ImageRecord]:
    """Return the images that a spec mounts, by destination, as their names resolve now. Raises NotFound."""
    wanted = (mount for mount in (spec.mounts or {}).values() if mount.kind == IMAGE)
    return {mount.destination: find_image(connection, mount.source) for mount in wanted}


def mounted_by(connection: sqlite3.Connection, record: ContainerRecord) -> dict[str, ImageRecord]:
    """Return the images that an existing container mounts, by destination."""
    found = {path: images.get(connection, image_id) for path, image_id in record.images.items()}
    return {path: image for path, image in found.items() if image is not None}


def find_typed_image(engine: Engine, text: str) -> ImageRecord:
    """Return the image that a person means: as ``find_image``, or by an id's prefix if no name is similar."""
    with engine.database.reading() as connection:
        try:
            return find_image(connection, text)
        except NotFound:
            begun = by_id(connection, text) if is_beginning(text.removeprefix("sha256:")) else None
            # People type names without the registry.
            if begun is None or alike(text, (name.rpartition("/")[2] for name in images.names(connection))):
                raise
            return begun


def by_id(connection: sqlite3.Connection, text: str) -> ImageRecord | None:
    """Return the only image whose id starts with ``text``. Raises InvalidOption if there are several."""
    found = images.find(connection, text.removeprefix("sha256:"))
    if len(found) > 1:
        raise InvalidOption(
            "image", text, "is ambiguous: several ids start with it", remedy="Give more digits"
        )
    return found[0] if found else None
