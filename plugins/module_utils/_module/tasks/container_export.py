# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options of module ``container_export`` into the engine's request; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._engine.images.tar.compress import FORMATS, NONE
from ..._engine.lifecycle.files.export import ExportRequest
from ..._engine.model.values.text import plain_text
from ..options import ArgumentSpec

ARGUMENTS: ArgumentSpec = {
    "container": {"type": "str", "required": True, "aliases": ["name"]},
    "dest": {"type": "path", "required": True, "aliases": ["path"]},
    "force": {"type": "bool", "default": True},
    "compression": {"type": "str", "choices": [*FORMATS], "default": NONE},
}


def to_export(params: Mapping[str, Any]) -> ExportRequest:
    """Return the task's request. Raises InvalidOption, naming the option."""
    return ExportRequest(
        plain_text("container", params["container"]),
        plain_text("dest", params["dest"]),
        params["force"],
        params["compression"],
    )
