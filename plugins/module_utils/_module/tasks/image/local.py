# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options of the modules for local images into the engine's requests; pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...._engine.errors import InvalidOption
from ...._engine.images.archive.reference import candidates


@dataclass(frozen=True)
class ImportRequest:
    """A directory tree to create an image from; ``changes`` are Dockerfile instructions."""

    src: str
    name: str
    changes: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class LoadRequest:
    """An archive to load; ``reference``: the image to select; ``name``: its name, by default the archive's."""

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
    """An image and the names to add to it."""

    image: str
    names: tuple[str, ...]


def to_tag(params: Mapping[str, Any]) -> TagRequest:
    """Return the request of an ``image_tag`` task."""
    return TagRequest(params["image"], tuple(params["target_names"]))


def to_load(params: Mapping[str, Any]) -> LoadRequest:
    """Return the request of an ``image_load`` task."""
    return LoadRequest(params["input"], params["name"], params["reference"])


def to_import(params: Mapping[str, Any]) -> ImportRequest:
    """Return the request of an ``image_import`` task. Raises InvalidOption for an invalid change."""
    changes = tuple(change_lines(params["changes"] or ()))
    return ImportRequest(params["src"], params["name"], changes, params["commit_message"] or "")


def to_remove(params: Mapping[str, Any]) -> RemoveRequest | None:
    """Return the request of an ``image_remove`` task, None if the name is invalid, so that no image has it."""
    try:
        candidates(params["name"])
    except InvalidOption:
        return None
    return RemoveRequest(params["name"], params["force"])


def change_lines(items: Sequence[object]) -> Iterator[str]:
    """Yield each change as a Dockerfile instruction; podman_import writes mappings (``CMD: /bin/app``)."""
    for item in items:
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from (f"{word} {_value(value)}" for word, value in item.items())
        else:
            raise InvalidOption(
                "changes",
                item,
                "is not a change",
                remedy='Write an instruction, for example CMD ["/bin/app"]',
            )


def _value(value: object) -> str:
    return json.dumps(value) if isinstance(value, list) else str(value)
