# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options of module ``container_mount`` into the engine's request; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._engine.lifecycle.files.mount import MOUNTED, UNMOUNTED, MountRequest
from ..._engine.model.values.text import plain_text
from ..options import ArgumentSpec

ARGUMENTS: ArgumentSpec = {
    "container": {"type": "str", "required": True, "aliases": ["name"]},
    "state": {"type": "str", "choices": [MOUNTED, UNMOUNTED], "default": MOUNTED},
}


def to_mount(params: Mapping[str, Any]) -> MountRequest:
    """Return the task's request. Raises InvalidOption, naming the option."""
    return MountRequest(plain_text("container", params["container"]), params["state"])
