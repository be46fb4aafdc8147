# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the containers in the result of a task; anything ambiguous is an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class NoContainer(Exception):
    """The value contains no container; the message says what it is instead."""


def states(value: Any) -> list[Mapping[str, Any]]:
    """Return the ``State`` of each container in a result, in a part of one, or in the output of inspect.

    Raises NoContainer.
    """
    return [_state(shape) for shape in _shapes(value)]


def _shapes(value: Any) -> list[Any]:
    if isinstance(value, list):
        shapes = value
    elif not isinstance(value, Mapping):
        raise NoContainer(f"this is {_kind(value)}, neither the result of a task nor a container from one")
    elif value.get("failed"):
        raise NoContainer(f"the task failed: {value.get('msg', 'no reason given')}")
    elif value.get("skipped"):
        raise NoContainer("the task was skipped, so the state is unknown")
    elif "State" in value:
        shapes = [value]
    elif "containers" in value:
        shapes = value["containers"]
    elif "container" in value:
        shapes = [value["container"]] if value["container"] else []
    else:
        raise NoContainer("it has no container: none of the keys container, containers and State")
    if not shapes:
        raise NoContainer("it has no container: the container does not exist, or was removed")
    return shapes


def _state(shape: Any) -> Mapping[str, Any]:
    state = shape.get("State") if isinstance(shape, Mapping) else None
    if not isinstance(state, Mapping) or "Status" not in state:
        raise NoContainer(f"a container has a State with a Status, but this is {_kind(shape)} without them")
    return state


def _kind(value: Any) -> str:
    """Return the type of a value as text; the value itself may be long or secret."""
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    return next((name for kind, name in names.items() if isinstance(value, kind)), type(value).__name__)
