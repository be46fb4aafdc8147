# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse the options of podman_container that the engine's table lists as not implemented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._engine.model.container.options import REFUSED
from .options import ArgumentSpec, refuse

NOT_BUILT: ArgumentSpec = {name: option.argument for name, option in REFUSED.items()}


def refuse_not_built(params: Mapping[str, Any]) -> None:
    """Raise NotBuiltYet naming every such option that is set, with the remedy of the first."""
    found = [name for name in NOT_BUILT if params.get(name) is not None]
    remedy = REFUSED[found[0]].remedy if found else ""
    refuse(found, **({"remedy": remedy} if remedy else {}))
