# SPDX-License-Identifier: GPL-3.0-or-later
"""Check values against the annotations of their class (pure), because a damaged database may contain any type."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ...frozen import fields
from .jsontext import is_a

_PLAIN: dict[str, type] = {"bool": bool, "int": int, "str": str, "float": float}
_OR_NONE = " | None"


def check(thing: Any, names: Collection[str]) -> None:
    """Check these fields of a dataclass against their annotations. Raises TypeError."""
    for item in fields(thing):
        if item.name in names and not _fits(str(item.type), getattr(thing, item.name)):
            raise TypeError(f"{item.name} is not of type {item.type}")


def _fits(kind: str, value: Any) -> bool:
    if kind.startswith("Optional["):
        return value is None or _fits(kind[len("Optional[") : -1], value)
    if kind.endswith(_OR_NONE):
        return value is None or _fits(kind[: -len(_OR_NONE)], value)
    if kind in _PLAIN:
        return is_a(value, _PLAIN[kind])
    if "[" in kind:
        return _holds(kind, value)
    return type(value).__name__ == kind and _is_whole(value)


def _holds(kind: str, value: Any) -> bool:
    """Return whether the items of a collection match the annotation: tuple[X, ...], tuple[X, X], dict[str, X]."""
    outer, _bracket, inner = kind[:-1].partition("[")
    if outer == "dict":
        key, _comma, item = inner.partition(", ")
        return isinstance(value, dict) and all(_fits(key, one) and _fits(item, value[one]) for one in value)
    return isinstance(value, tuple) and all(_fits(inner.partition(", ")[0], one) for one in value)


def _is_whole(value: Any) -> bool:
    kinds = getattr(type(value), "__annotations__", {})
    return all(_fits(_text(kinds[name]), getattr(value, name)) for name in getattr(value, "_fields", ()))


def _text(kind: Any) -> str:
    """Return an annotation as text; a NamedTuple wraps it."""
    return str(getattr(kind, "__forward_arg__", kind))
