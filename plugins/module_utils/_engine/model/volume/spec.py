# SPDX-License-Identifier: GPL-3.0-or-later
"""The specification of a named volume in canonical form, and its record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Optional

from ...frozen import dataclass, field
from ..values.idmap import IdMap
from ..values.jsontext import is_a
from .options import DriverOptions

#: The first positive number that SQLite cannot store as an integer.
_LARGEST = 2**63


@dataclass(frozen=True)
class VolumeSpec:
    """A volume as requested. Changing labels or options never touches data. ``options``: the stored form of DriverOptions."""

    name: str
    labels: dict[str, str] = field(default_factory=dict)
    driver: str = "local"
    options: dict[str, str] = field(default_factory=dict)

    @property
    def driver_options(self) -> DriverOptions:
        """Return the options, decoded."""
        return DriverOptions.decode(self.options)

    def encode(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"name": self.name, "labels": self.labels, "driver": self.driver, "options": self.options}


class Place(NamedTuple):
    """A directory of an image, its destination in the volume (``subpath``, "" for the root), and the IDs that were written."""

    path: str
    subpath: str = ""
    owners: Optional[Mapping[str, Any]] = None


class Populated(NamedTuple):
    """The source of a volume's first content: image ID, path in the image, time (nanoseconds since the epoch).

    ``subpath`` and ``owners`` belong to that path; ``others``: more places, if a container mounts the volume several times.
    """

    image_id: str
    path: str
    entries: int
    bytes: int
    at: int
    subpath: str = ""
    owners: Optional[Mapping[str, Any]] = None
    others: tuple[tuple[Any, ...], ...] = ()

    @classmethod
    def decode(cls, data: Mapping[str, Any]) -> Populated:
        """Decode the JSON form of ``_asdict``. Raises TypeError for anything else."""
        found = cls(**{**data, "others": tuple(tuple(other) for other in data.get("others", ()))})
        numbers = (found.entries, found.bytes, found.at)
        texts = [found.image_id, *(text for place in found.places for text in place[:2])]
        if not all(is_a(number, int) and abs(number) < _LARGEST for number in numbers):
            raise TypeError("populated: not an integer")
        if not all(is_a(text, str) for text in texts):
            raise TypeError("populated: not a string")
        for place in found.places:
            if place.owners is not None:
                IdMap.decode({**place.owners})
        return found

    @property
    def places(self) -> tuple[Place, ...]:
        """All places, starting with the one of ``path``."""
        return (Place(self.path, self.subpath, self.owners), *(Place(*other) for other in self.others))


class PopulateFrom(NamedTuple):
    """The directory of an image to fill a volume with: the image's name or ID, and the path."""

    image: str
    path: str


class Refill(NamedTuple):
    """A task's request to fill a volume from an image, once or ``again``; ``source`` None: the source in the record."""

    again: bool
    source: Optional[PopulateFrom] = None


class VolumeFacts(NamedTuple):
    """Observed state of a volume: the containers that use it, those that are alive, and whether it is mounted on the host.

    ``holding``: the volume's directory if it is not empty and nothing is mounted on it; "" otherwise, or if not examined.
    """

    users: tuple[str, ...] = ()
    living: tuple[str, ...] = ()
    mounted: bool = False
    holding: str = ""


#: The facts of a volume that does not exist.
UNSEEN = VolumeFacts()


@dataclass(frozen=True)
class VolumeRecord:
    """A row of table ``volumes``.

    ``needs_copy_up``: until content has been copied (seed: NeedsCopyUp). ``needs_chown``: until the first attach, which sets
    the owner and the mode of its root (seed: NeedsChown). ``mounted``: the user wants it mounted on the host, independently
    of containers.
    """

    spec: VolumeSpec
    created: int
    anonymous: bool = False
    needs_copy_up: bool = True
    needs_chown: bool = True
    populated: Populated | None = None
    removing: bool = False
    mounted: bool = False
