# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which storage driver a new container gets; pure.

``lacks`` holds, for each driver that was tried, why it can't be used on this host, ``""`` when it can.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import HostLacks
from ..model.engine.storage_drivers import DRIVERS


def untried(wanted: str | None, lacks: Mapping[str, str]) -> str | None:
    """Return the driver to be tried next, None when enough is known."""
    for name in _candidates(wanted):
        if not lacks.get(name):
            return name if name not in lacks else None
    return None


def choose(wanted: str | None, lacks: Mapping[str, str]) -> str:
    """Return the driver: what is wanted, else the first that can be used. Raises HostLacks when that can't be."""
    for name in _candidates(wanted):
        if not lacks[name]:
            return name
    raise HostLacks(
        f"storage_driver: {wanted} can't be used here: {lacks[wanted or DRIVERS[-1]]}",
        remedy="Leave storage_driver out: then what works here is taken",
        driver=wanted,
    )


def told(chosen: str, lacks: Mapping[str, str]) -> dict[str, str]:
    """Return, for each of the other drivers, why it is not the one."""
    return {name: lacks.get(name) or f"{chosen} is taken" for name in DRIVERS if name != chosen}


def _candidates(wanted: str | None) -> tuple[str, ...]:
    return DRIVERS if wanted is None else (wanted,)
