# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the engine's requests from the options of the modules for images; pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...._engine.errors import InvalidOption
from ...._engine.images.archive.reference import candidates


@dataclass(frozen=True)
class ImportRequest:
    """A tree to make an image of; ``changes`` are words of a Dockerfile."""

    src: str
    name: str
    changes: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class LoadRequest:
    """An archive to load; ``reference``: the image of it that is meant; ``name``: what it is called, None for its own names."""

    path: str
    name: str | None
    reference: str | None


@dataclass(frozen=True)
class RemoveRequest:
    """An image to remove."""

    name: str
    force: bool


@dataclass(frozen=True)
class TagRequest:
    """An image, and the names to give it."""

    image: str
    names: tuple[str, ...]


def to_tag(params: Mapping[str, Any]) -> TagRequest:
    """Return what a task of ``image_tag`` asks for."""
    return TagRequest(params["image"], tuple(params["target_names"]))


def to_load(params: Mapping[str, Any]) -> LoadRequest:
    """Return what a task of ``image_load`` asks for."""
    return LoadRequest(params["input"], params["name"], params["reference"])


def to_import(params: Mapping[str, Any]) -> ImportRequest:
    """Return what a task of ``image_import`` asks for; raises InvalidOption naming what is no change."""
    changes = tuple(change_lines(params["changes"] or ()))
    return ImportRequest(params["src"], params["name"], changes, params["commit_message"] or "")


def to_remove(params: Mapping[str, Any]) -> RemoveRequest | None:
    """Return what a task of ``image_remove`` asks for; None: nothing can have that name."""
    try:
        candidates(params["name"])
    except InvalidOption:
        return None
    return RemoveRequest(params["name"], params["force"])


def change_lines(items: Sequence[object]) -> Iterator[str]:
    """Yield each change as a line of a Dockerfile; podman_import has them as mappings (``CMD: /bin/app``)."""
    for item in items:
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from (f"{word} {_value(value)}" for word, value in item.items())
        else:
            raise InvalidOption("changes", item, "is no change", remedy='Write it as in CMD ["/bin/app"]')


def _value(value: object) -> str:
    return json.dumps(value) if isinstance(value, list) else str(value)
