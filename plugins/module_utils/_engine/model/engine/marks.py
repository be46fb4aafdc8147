# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks: the state of a container that cannot be observed, such as a stop by the user, a pending start, a checkpoint; pure.

They are stored in a file of the container, without default values. Most containers have none, so a start writes nothing.
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
    """Return the marks of a container and its restart counts, without default values; {} for most containers."""
    kept = {name: getattr(record, name) for name in (*_WISHES, *_COUNTS)}
    if record.checkpointed is not None:
        kept["ended_in_checkpoint"] = record.is_checkpointed
    return {name: value for name, value in kept.items() if value}


def encode_marks(record: ContainerRecord, boot: str) -> dict[str, Any]:
    """Return the JSON form, {} if there are no marks."""
    kept = marks(record)
    return {"form": _FORM, "boot": boot, **kept} if kept else {}


def marked(record: ContainerRecord, data: Mapping[str, Any], boot: str) -> ContainerRecord:
    """Return the record with its marks; counts are valid for one boot. Raises ValueError, KeyError or TypeError."""
    if data["form"] != _FORM:
        raise ValueError(f"unknown form {data['form']!r}")
    names = (*_WISHES, *(_COUNTS if data["boot"] == boot else ()))
    values = {name: _like(getattr(record, name), data[name]) for name in names if name in data}
    if data.get("ended_in_checkpoint"):
        values["finished"] = values["checkpointed"]
    return replace(record, **values)


def _like(usual: object, value: object) -> Any:
    """Return the value if it has the type of the default; a default of None means an integer. Raises ValueError."""
    kind = int if usual is None else type(usual)
    if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
        raise ValueError(f"{value!r} is not of type {kind.__name__}")
    return value
