# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the containers in what a task has returned: only what surely tells of one is taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class NoContainer(Exception):
    """The value tells of no container; the text says what it is instead."""


def states(value: Any) -> list[Mapping[str, Any]]:
    """Return the ``State`` of each container in a result, in its ``container`` or ``containers``, or in a shape of inspect.

    Raises NoContainer.
    """
    return [_state(shape) for shape in _shapes(value)]


def _shapes(value: Any) -> list[Any]:
    if isinstance(value, list):
        shapes = value
    elif not isinstance(value, Mapping):
        raise NoContainer(f"this is {_kind(value)}, not the result of a task, nor a container out of one")
    elif value.get("failed"):
        raise NoContainer(f"the task failed: {value.get('msg', 'it gives no reason')}")
    elif value.get("skipped"):
        raise NoContainer("the task was skipped, so nothing is known")
    elif "State" in value:
        shapes = [value]
    elif "containers" in value:
        shapes = value["containers"]
    elif "container" in value:
        shapes = [value["container"]] if value["container"] else []
    else:
        raise NoContainer("it has none of container, containers and State, so it tells of no container")
    if not shapes:
        raise NoContainer("it has no container: none of that name is there, or it was removed")
    return shapes


def _state(shape: Any) -> Mapping[str, Any]:
    state = shape.get("State") if isinstance(shape, Mapping) else None
    if not isinstance(state, Mapping) or "Status" not in state:
        raise NoContainer(f"a container has a State with a Status, and this is {_kind(shape)} without")
    return state


def _kind(value: Any) -> str:
    """Name the kind of a value; the value itself may be long, or secret."""
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list"}
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    return next((name for kind, name in names.items() if isinstance(value, kind)), type(value).__name__)
