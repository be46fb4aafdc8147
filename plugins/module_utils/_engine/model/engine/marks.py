# SPDX-License-Identifier: GPL-3.0-or-later
"""What was wished of a container and no fact shows: a stop by its user, a start that is owed, its checkpoint; pure.

It is kept beside the container, without what is as usual: most have nothing of it, so a start writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...frozen import replace
from .record import ContainerRecord

_FORM = 1
_WISHES = ("start_pending", "stopped_by_user", "interrupted", "checkpointed")
_COUNTS = ("restart_count", "crashes")


def marks(record: ContainerRecord) -> dict[str, Any]:
    """Return what was wished of a container and how often it was restarted, without what is as usual: {} for most."""
    kept = {name: getattr(record, name) for name in (*_WISHES, *_COUNTS)}
    if record.checkpointed is not None:
        kept["ended_in_checkpoint"] = record.is_checkpointed
    return {name: value for name, value in kept.items() if value}


def encode_marks(record: ContainerRecord, boot: str) -> dict[str, Any]:
    """Return the JSON form, {} where nothing is to be kept."""
    kept = marks(record)
    return {"form": _FORM, "boot": boot, **kept} if kept else {}


def marked(record: ContainerRecord, data: Mapping[str, Any], boot: str) -> ContainerRecord:
    """Return the record with its marks; counts are of one boot. Raises as the other readers do."""
    if data["form"] != _FORM:
        raise ValueError(f"its form {data['form']!r} is not known")
    names = (*_WISHES, *(_COUNTS if data["boot"] == boot else ()))
    values = {name: _like(getattr(record, name), data[name]) for name in names if name in data}
    if data.get("ended_in_checkpoint"):
        values["finished"] = values["checkpointed"]
    return replace(record, **values)


def _like(usual: object, value: object) -> Any:
    """Return the value, if it is of the type of what is usual; unknown times (None) are whole numbers."""
    kind = int if usual is None else type(usual)
    if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
        raise ValueError(f"{value!r} is not what is kept there")
    return value
