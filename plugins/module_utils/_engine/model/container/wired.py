# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that determine a container's networking; changing them is live while it has its own network namespace."""

from __future__ import annotations

from typing import Any

from ...frozen import replace
from . import networks
from .option import RECREATE, Option
from .options import OPTIONS
from .spec import ContainerSpec

#: Where such options take effect.
_WHERE = ("model.container.networks", "lifecycle.wiring.choose")
_NAMES = tuple(option.name for option in OPTIONS if option.applied in _WHERE)


def decides(option: str) -> bool:
    """Return whether an option determines networking."""
    return option in _NAMES


def differs(before: ContainerSpec, after: ContainerSpec) -> bool:
    """Return whether two specs differ in these options."""
    return _wanted(before) != _wanted(after)


def rewired(before: ContainerSpec, after: ContainerSpec) -> ContainerSpec:
    """Return the spec with these options taken from the other spec."""
    return replace(before, **_wanted(after))


def change_of(option: Option, before: ContainerSpec, after: ContainerSpec) -> str:
    """Return what changing an option requires: a new container if its network namespace was or becomes not its own."""
    own = networks.has_networks(before) and networks.has_networks(after)
    return RECREATE if option.name == "network" and not own else option.change


def _wanted(spec: ContainerSpec) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in _NAMES}
