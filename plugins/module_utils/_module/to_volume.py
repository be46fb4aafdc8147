# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the engine's request from the options of module ``volume``; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._engine.model.kinds import TEXTS
from .._engine.model.names import check_name
from .._engine.model.volume import Refill, VolumeSpec
from .options import refuse
from .to_refill import to_refill

#: The one driver there is: a directory below the engine's root.
LOCAL = "local"


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
        VolumeSpec(check_name("name", params["name"]), labels), params["state"], to_refill(params)
    )


def _not_built(params: Mapping[str, Any]) -> list[str]:
    found = [f"driver: {params['driver']}"] if params["driver"] not in (None, LOCAL) else []
    return found + [name for name in ("options", "recreate") if params[name]]
