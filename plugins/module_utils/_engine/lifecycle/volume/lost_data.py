# SPDX-License-Identifier: GPL-3.0-or-later
"""Warn of volumes whose directory somebody has removed: they are made anew, empty, and their data is gone."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ...volumes import directory
from ..core.engine import Engine


def lost_volumes(engine: Engine, names: Iterable[str]) -> tuple[str, ...]:
    """Return a warning for each. What lies beside a volume is written once it is made, so a killed creation has none."""
    layout = engine.layout
    return tuple(
        f"volume {name}: its directory {layout.volume_data(name)} was removed, not by slipway, and its data is gone; it is made "
        "anew, empty"
        for name in sorted({*names})
        if os.path.lexists(layout.volume_beside(name)) and not directory.is_made(layout.volumes, name)
    )
