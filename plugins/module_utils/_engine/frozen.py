# SPDX-License-Identifier: GPL-3.0-or-later
"""Immutable data classes with the interface of the standard library's ``dataclasses``, under the same names.

Importing the original, which pulls in inspect, ast and tokenize, and letting it compile code for each class
took a third of the program's start-up, at every exit of a container. This module implements only what the
engine uses; type checkers see the original.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from dataclasses import dataclass, field, fields, replace
    from typing import Any

__all__ = ["dataclass", "field", "fields", "replace"]
_NONE = object()
_FIELDS = "__frozen_fields__"


class _Field:
    """A field: its name, its annotation as source text, and the arguments of ``field``."""

    __slots__ = ("compare", "default", "default_factory", "metadata", "name", "type")

    def __init__(
        self,
        *,
        default: object = _NONE,
        default_factory: Callable[[], object] | None = None,
        compare: bool = True,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        self.name, self.type = "", ""
        self.default, self.default_factory = default, default_factory
        self.compare = compare
        self.metadata: Mapping[str, object] = metadata or {}

    def initial(self, owner: type) -> object:
        """Return the field's default; raises TypeError if it has none."""
        if self.default_factory is not None:
            return self.default_factory()
        if self.default is _NONE:
            raise TypeError(f"{owner.__name__} lacks a value for {self.name!r}")
        return self.default


def _fields(thing: Any) -> tuple[_Field, ...]:
    return getattr(thing, _FIELDS)  # type: ignore[no-any-return]


def _dataclass(*, frozen: bool, repr: bool = True) -> Callable[[type], type]:  # noqa: A002  (the original's name)
    """Return the class decorator; ``frozen`` must be True, because only frozen classes are supported."""
    if not frozen:
        raise TypeError("only frozen classes are supported here: use dataclasses.dataclass for mutable ones")

    def made(cls: type) -> type:
        inherited = {item.name: item for item in getattr(cls, _FIELDS, ())}
        own = {name: _own(cls, name, kind) for name, kind in cls.__annotations__.items()}
        setattr(cls, _FIELDS, tuple({**inherited, **own}.values()))
        for method in (_init, _eq, _hash, _setattr, _delattr, *((_repr,) if repr else ())):
            setattr(cls, f"_{method.__name__}__", method)
        return cls

    return made


def _own(cls: type, name: str, kind: str) -> _Field:
    """Return a field that the class itself declares; its default, if any, becomes a class attribute."""
    written = cls.__dict__.get(name, _NONE)
    item = written if isinstance(written, _Field) else _Field(default=written)
    item.name, item.type = name, kind
    if item.default is not _NONE:
        setattr(cls, name, item.default)
    elif written is not _NONE:
        delattr(cls, name)
    return item


def _init(self: Any, *values: object, **named: object) -> None:
    items = _fields(self)
    given = {item.name: value for item, value in zip(items, values)}
    if len(values) > len(items) or given.keys() & named.keys():
        raise TypeError(f"{type(self).__name__} got too many values")
    given.update(named)
    own = self.__dict__
    for item in items:
        own[item.name] = given.pop(item.name) if item.name in given else item.initial(type(self))
    if given:
        raise TypeError(f"{type(self).__name__} has no field {', '.join(given)}")


def _compared(thing: Any) -> tuple[object, ...]:
    return tuple(getattr(thing, item.name) for item in _fields(thing) if item.compare)


def _eq(self: Any, other: object) -> bool:
    return _compared(self) == _compared(other) if type(self) is type(other) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_compared(self))


def _repr(self: Any) -> str:
    return f"{type(self).__qualname__}({', '.join(f'{key}={value!r}' for key, value in vars(self).items())})"


def _setattr(self: Any, name: str, _value: object) -> None:
    raise AttributeError(f"{type(self).__name__} can't be changed: {name}")


def _delattr(self: Any, name: str) -> None:
    raise AttributeError(f"{type(self).__name__} can't be changed: {name}")


def _replace(thing: Any, **changes: object) -> Any:
    """Return a copy with these fields changed; raises TypeError for an unknown field."""
    return type(thing)(**{**vars(thing), **changes})


if not TYPE_CHECKING:
    dataclass, field, fields, replace = _dataclass, _Field, _fields, _replace
