# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asks of a named volume, in canonical form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Optional

from ...frozen import dataclass, field
from ..values.idmap import IdMap
from ..values.jsontext import is_a
from .options import DriverOptions

#: What SQLite keeps as a number.
_LARGEST = 2**63


@dataclass(frozen=True)
class VolumeSpec:
    """A volume as asked for. Altering labels or options never touches data. ``options`` are those of DriverOptions, stored."""

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
    """A directory of an image, where in the volume it went (``subpath``, "" for the root), and the ids that were written."""

    path: str
    subpath: str = ""
    owners: Optional[Mapping[str, Any]] = None


class Populated(NamedTuple):
    """Where a volume's first content came from: image id, path in the image, when (nanoseconds since the epoch).

    ``subpath`` and ``owners`` belong to that path; ``others``: more places, of a container that has the volume several times.
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
        """Return what ``_asdict`` gave, after JSON; raises TypeError for anything else."""
        found = cls(**{**data, "others": tuple(tuple(other) for other in data.get("others", ()))})
        numbers = (found.entries, found.bytes, found.at)
        texts = [found.image_id, *(text for place in found.places for text in place[:2])]
        if not all(is_a(number, int) and abs(number) < _LARGEST for number in numbers):
            raise TypeError("a number of populated is none")
        if not all(is_a(text, str) for text in texts):
            raise TypeError("a text of populated is none")
        for place in found.places:
            if place.owners is not None:
                IdMap.decode({**place.owners})
        return found

    @property
    def places(self) -> tuple[Place, ...]:
        """All places, the first first."""
        return (Place(self.path, self.subpath, self.owners), *(Place(*other) for other in self.others))


class PopulateFrom(NamedTuple):
    """A directory of an image that a volume is to be filled with: the image's name or id, the path."""

    image: str
    path: str


class Refill(NamedTuple):
    """What a task asks of a volume's content: that of an image once, or ``again``; ``source`` None: what the record tells."""

    again: bool
    source: Optional[PopulateFrom] = None


class VolumeFacts(NamedTuple):
    """What is seen of a volume: the containers that have it, those of them that live, and whether it is mounted on the host.

    ``holding``: the volume's directory if that holds something and nothing is mounted on it, else "", unless nobody has looked.
    """

    users: tuple[str, ...] = ()
    living: tuple[str, ...] = ()
    mounted: bool = False
    holding: str = ""


#: As a volume is that is not there.
UNSEEN = VolumeFacts()


@dataclass(frozen=True)
class VolumeRecord:
    """A row of table ``volumes``. ``needs_copy_up`` until something was copied (seed: NeedsCopyUp).

    ``needs_chown`` until the first attach, which gives its root an owner and a mode (seed: NeedsChown).
    ``mounted``: its user wants it mounted on the host, container or not.
    """

    spec: VolumeSpec
    created: int
    anonymous: bool = False
    needs_copy_up: bool = True
    needs_chown: bool = True
    populated: Populated | None = None
    removing: bool = False
    mounted: bool = False
