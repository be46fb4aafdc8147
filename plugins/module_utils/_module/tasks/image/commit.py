# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options of modules ``container_commit`` and ``image_cache`` into the engine's requests; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...._engine.errors import InvalidOption
from ...._engine.lifecycle.build.cached import StageRequest
from ...._engine.lifecycle.build.commit import CONTAINER, IMAGE, CommitRequest
from ...._engine.model.image.stage import check_key
from ...._engine.model.values.text import plain_text
from ...options import ArgumentSpec
from .local import change_lines

COMMIT_OPTIONS: ArgumentSpec = {
    "container": {"type": "str", "required": True},
    "image": {"type": "str", "aliases": ["name"]},
    "author": {"type": "str"},
    "commit_message": {"type": "str"},
    "changes": {"type": "list", "elements": "raw", "aliases": ["change"]},
    "config": {"type": "str", "choices": [CONTAINER, IMAGE], "default": CONTAINER},
    "pause": {"type": "bool", "default": True},
    "squash": {"type": "bool", "default": False},
    "include_volumes": {"type": "bool", "default": False},
    "timestamp": {"type": "int"},
    "cache_key": {"type": "raw", "no_log": False},
}
#: The end of the year 9999, the last that RFC 3339 can represent.
_LATEST = 253402300799


def to_commit(params: Mapping[str, Any]) -> CommitRequest:
    """Return the request of a ``container_commit`` task. Raises InvalidOption, naming the option."""
    key = params["cache_key"]
    return CommitRequest(
        plain_text("container", params["container"]),
        params["image"] or "",
        params["author"] or "",
        params["commit_message"] or "",
        tuple(change_lines(params["changes"] or ())),
        params["config"],
        params["pause"],
        params["squash"],
        params["include_volumes"],
        _timestamp(params["timestamp"]),
        None if key is None else check_key("cache_key", key),
    )


def to_stage(params: Mapping[str, Any]) -> StageRequest:
    """Return the request of an ``image_cache`` task. Raises InvalidOption, naming the option."""
    return StageRequest(params["parent"], check_key("key", params["key"]), params["image"] or "")


def _timestamp(value: int | None) -> int | None:
    if value is not None and not 0 <= value <= _LATEST:
        raise InvalidOption(
            "timestamp",
            value,
            "is not a timestamp",
            remedy="Write the number of seconds since 1970, 0 or more",
        )
    return value
