# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options of module ``volume_import`` into the engine's request; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._engine.lifecycle.volume.import_archive import VolumeImport
from ..._engine.model.values.names import check_name
from ..._engine.model.values.text import plain_text
from ..options import ArgumentSpec

ARGUMENTS: ArgumentSpec = {
    "name": {"type": "str", "required": True, "aliases": ["volume"]},
    "src": {"type": "path", "required": True, "aliases": ["path"]},
    "force": {"type": "bool", "default": False},
    "backup": {"type": "bool", "default": True},
}


def to_volume_import(params: Mapping[str, Any]) -> VolumeImport:
    """Return the task's request. Raises InvalidOption, naming the option."""
    return VolumeImport(
        check_name("name", params["name"]),
        plain_text("src", params["src"]),
        params["force"],
        params["backup"],
    )
