# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asks of a named volume, in canonical form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .volumeoptions import DriverOptions


@dataclass(frozen=True)
class VolumeSpec:
    """A volume as asked for. Altering labels or options never touches data. ``options`` are those of DriverOptions, stored."""

    name: str
    labels: dict[str, str] = field(default_factory=dict)
    driver: str = "local"
    options: dict[str, str] = field(default_factory=dict)

    @property
    def driver_options(self) -> DriverOptions:
        return DriverOptions.decode(self.options)

    def encode(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"name": self.name, "labels": self.labels, "driver": self.driver, "options": self.options}


class Populated(NamedTuple):
    """Where a volume's first content came from: image id, path in the image, when (nanoseconds since the epoch)."""

    image_id: str
    path: str
    entries: int
    bytes: int
    at: int


class VolumeFacts(NamedTuple):
    """What is seen of a volume: the containers that have it, those of them that live, and whether it is mounted on the host."""

    users: tuple[str, ...] = ()
    living: tuple[str, ...] = ()
    mounted: bool = False


#: As a volume is that is not there.
UNSEEN = VolumeFacts()


@dataclass(frozen=True)
class VolumeRecord:
    """A row of table ``volumes``. ``needs_copy_up`` until the first attach, whatever that found (seed: NeedsCopyUp).

    ``mounted``: its user wants it mounted on the host, container or not.
    """

    spec: VolumeSpec
    created: int
    anonymous: bool = False
    needs_copy_up: bool = True
    populated: Populated | None = None
    removing: bool = False
    mounted: bool = False
