# SPDX-License-Identifier: GPL-3.0-or-later
"""Say which options decide what a container has of networks; a change of them is live, while it has a network of its own."""

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
    """Tell whether an option is one of these."""
    return option in _NAMES


def differs(before: ContainerSpec, after: ContainerSpec) -> bool:
    """Tell whether two specs want something else of networks."""
    return _wanted(before) != _wanted(after)


def rewired(before: ContainerSpec, after: ContainerSpec) -> ContainerSpec:
    """Return the spec with what the other one wants of networks, and nothing else of it."""
    return replace(before, **_wanted(after))


def change_of(option: Option, before: ContainerSpec, after: ContainerSpec) -> str:
    """Return what a change of an option needs: a new container where the namespace is not, or no longer, its own."""
    own = networks.has_networks(before) and networks.has_networks(after)
    return RECREATE if option.name == "network" and not own else option.change


def _wanted(spec: ContainerSpec) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in _NAMES}
