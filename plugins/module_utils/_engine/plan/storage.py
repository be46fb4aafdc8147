# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the storage driver of a new container; pure.

``lacks`` maps each driver that was tried to the reason why this host cannot use it, ``""`` if it can.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import HostLacks
from ..model.engine.storage_drivers import DRIVERS


def untried(wanted: str | None, lacks: Mapping[str, str]) -> str | None:
    """Return the driver to try next, None if enough is known."""
    for name in _candidates(wanted):
        if not lacks.get(name):
            return name if name not in lacks else None
    return None


def choose(wanted: str | None, lacks: Mapping[str, str]) -> str:
    """Return the requested driver, or the first usable one. Raises HostLacks if it is not usable."""
    for name in _candidates(wanted):
        if not lacks[name]:
            return name
    raise HostLacks(
        f"storage_driver: {wanted} cannot be used on this host: {lacks[wanted or DRIVERS[-1]]}",
        remedy="Leave out storage_driver, so that a usable driver is chosen",
        driver=wanted,
    )


def told(chosen: str, lacks: Mapping[str, str]) -> dict[str, str]:
    """Return the reason why each of the other drivers was not chosen."""
    return {name: lacks.get(name) or f"{chosen} is preferred" for name in DRIVERS if name != chosen}


def _candidates(wanted: str | None) -> tuple[str, ...]:
    return DRIVERS if wanted is None else (wanted,)
