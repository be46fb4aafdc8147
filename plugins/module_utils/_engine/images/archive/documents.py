# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed access to the JSON documents in an archive: indexes, manifests, annotations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import ArchiveBroken
from ...model.values import jsontext
from ...model.values.digests import DIGEST

#: Registries refuse manifests that are larger (OCI distribution-spec, "Pushing Manifests").
LARGEST = 4 << 20
#: Far above the number of images, platforms or layers in any real document.
_MOST_ITEMS = 1000


def parse(raw: bytes, *, what: str) -> Any:
    """Parse JSON; raises ArchiveBroken if it is invalid."""
    try:
        return jsontext.parse(raw)
    except ValueError as error:
        raise ArchiveBroken(f"{what} is not valid JSON: {error}", what=what) from error


def parse_object(raw: bytes, *, what: str) -> dict[str, Any]:
    """Parse a JSON object; raises ArchiveBroken if it is something else."""
    return _object(parse(raw, what=what), what)


def text(holder: Mapping[str, Any], key: str, *, what: str) -> str:
    """Return a string field, "" if it is absent or null."""
    value = holder.get(key)
    if value is not None and not isinstance(value, str):
        raise ArchiveBroken(f"{what}: {key} is not a string", what=what, key=key)
    return value or ""


def size(holder: Mapping[str, Any], *, what: str) -> int | None:
    """Return a descriptor's size in bytes, None if it is absent."""
    value = holder.get("size")
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ArchiveBroken(f"{what}: size is not a number of bytes", what=what)
    return value


def digest(holder: Mapping[str, Any], *, what: str) -> str:
    """Return a descriptor's digest; raises ArchiveBroken if it is invalid."""
    value = text(holder, "digest", what=what)
    if not DIGEST.fullmatch(value):
        raise ArchiveBroken(f"{what}: {value[:150]!r} is not a valid digest", what=what)
    return value


def child(holder: Mapping[str, Any], key: str, *, what: str) -> dict[str, Any]:
    """Return an object field, {} if it is absent or null."""
    value = holder.get(key)
    return {} if value is None else _object(value, f"{what}: {key}")


def objects(value: Any, *, what: str) -> list[dict[str, Any]]:
    """Return a value that must be a list of objects; null is an empty list."""
    return [_object(item, what) for item in _bounded(value, what)]


def texts(value: Any, *, what: str) -> list[str]:
    """Return a value that must be a list of strings; null is an empty list."""
    items = _bounded(value, what)
    if not all(isinstance(item, str) for item in items):
        raise ArchiveBroken(f"{what} is not a list of strings", what=what)
    return items


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ArchiveBroken(f"{what} is not a JSON object", what=what)
    return value


def _bounded(value: Any, what: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ArchiveBroken(f"{what} is not a list", what=what)
    if len(value) > _MOST_ITEMS:
        raise ArchiveBroken(f"{what} has {len(value)} items, more than {_MOST_ITEMS}", what=what)
    return value
