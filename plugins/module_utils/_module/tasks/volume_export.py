# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options of module ``volume_export`` into the engine's request; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._engine.images.tar.compress import FORMATS
from ..._engine.lifecycle.files.volume_export import VolumeExport
from ..._engine.lifecycle.volume.read_content import CONSISTENT, PAUSE
from ..._engine.model.values.names import check_name
from ..._engine.model.values.text import plain_text
from ..options import ArgumentSpec

ARGUMENTS: ArgumentSpec = {
    "name": {"type": "str", "required": True, "aliases": ["volume"]},
    "dest": {"type": "path", "required": True, "aliases": ["path"]},
    "force": {"type": "bool", "default": True},
    "compression": {"type": "str", "choices": [*FORMATS]},
    "consistent": {"type": "str", "choices": [*CONSISTENT], "default": PAUSE},
}


def to_volume_export(params: Mapping[str, Any]) -> VolumeExport:
    """Return the task's request. Raises InvalidOption, naming the option."""
    return VolumeExport(
        check_name("name", params["name"]),
        plain_text("dest", params["dest"]),
        params["force"],
        params["compression"],
        params["consistent"],
    )
