# SPDX-License-Identifier: GPL-3.0-or-later
"""Warn of volumes whose directory was removed by something other than slipway: they are recreated empty."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ...volumes import directory
from ..core.engine import Engine


def lost_volumes(engine: Engine, names: Iterable[str]) -> tuple[str, ...]:
    """Return a warning for each volume that has a note and no directory.

    The note is written after the directory is created, so a killed creation causes no warning.
    """
    layout = engine.layout
    return tuple(
        f"volume {name}: its directory {layout.volume_data(name)} was removed by something other than slipway, and its data is "
        "lost; the volume is recreated empty"
        for name in sorted({*names})
        if os.path.lexists(layout.volume_beside(name)) and not directory.is_made(layout.volumes, name)
    )
