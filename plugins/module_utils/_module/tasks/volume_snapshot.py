# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options of module ``volume_snapshot`` into the engine's request; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._engine.errors import InvalidOption
from ..._engine.lifecycle.volume.read_content import CONSISTENT, PAUSE
from ..._engine.lifecycle.volume.snapshot import PRESENT, RESTORED, STATES, SnapshotRequest
from ..._engine.model.values.names import check_name
from ..options import ArgumentSpec

ARGUMENTS: ArgumentSpec = {
    "name": {"type": "str", "required": True, "aliases": ["volume"]},
    "snapshot": {"type": "str"},
    "state": {"type": "str", "choices": [*STATES], "default": PRESENT},
    "keep_last": {"type": "int"},
    "consistent": {"type": "str", "choices": [*CONSISTENT], "default": PAUSE},
    "backup": {"type": "bool", "default": True},
}


def to_volume_snapshot(params: Mapping[str, Any]) -> SnapshotRequest:
    """Return the task's request. Raises InvalidOption, naming the option."""
    snapshot, state, keep = params["snapshot"], params["state"], params["keep_last"]
    if keep is not None and state != RESTORED:
        _check_keep(keep, state)
    if snapshot is None and (state == RESTORED or (state != PRESENT and keep is None)):
        raise InvalidOption(
            "state",
            state,
            "requires the name of a snapshot",
            remedy="Write snapshot: NAME; volume_info lists them",
        )
    return SnapshotRequest(
        check_name("name", params["name"]),
        state,
        None if snapshot is None else check_name("snapshot", snapshot),
        keep,
        params["consistent"],
        params["backup"],
    )


def _check_keep(keep: int, state: str) -> None:
    least = 1 if state == PRESENT else 0
    if keep < least:
        raise InvalidOption("keep_last", keep, f"is less than {least}", remedy="Leave it out to keep all")
