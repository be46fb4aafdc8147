# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the requested options with those of the last request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..errors import InvalidOption
from ..model.container import wired
from ..model.container.effective import effective
from ..model.container.option import LIVE, RECREATE, Option
from ..model.container.options import OPTIONS
from ..model.container.spec import ContainerSpec
from ..model.image.config import ImageConfig
from ..model.mounts.mount import Mount


class Difference(NamedTuple):
    """A difference: ``option`` (``env.MODE``), both values in canonical JSON form (None: unset), what applying it requires.

    ``shown_before`` and ``shown_after``: text to show instead of values that mean nothing to a reader (IDs).
    """

    option: str
    before: Any
    after: Any
    change: str
    shown_before: str = ""
    shown_after: str = ""


def differences(
    before: ContainerSpec, after: ContainerSpec, image: ImageConfig | None = None
) -> tuple[Difference, ...]:
    """Return all differences in the order of the option table; mappings are compared by key.

    The effective options are compared: adding a label that the image has is no difference, and removing one restores the image's.
    """
    old, new = (effective(spec, image).encode() for spec in (before, after))
    found: list[Difference] = []
    for option in OPTIONS:
        if option.compared:
            changed = _compare(option.name, old.get(option.name), new.get(option.name))
            found += [
                Difference(name, old_value, new_value, wired.change_of(option, before, after))
                for name, old_value, new_value in changed
            ]
    if before.command == after.command and any(one.option == "entrypoint" for one in found):
        found = [
            one for one in found if one.option != "command"
        ]  # it follows from the entrypoint: the image's command is dropped or restored with it
    return tuple(found)


def image_difference(
    before: ContainerSpec, after: ContainerSpec, image_id: str | None, wanted_id: str | None, *, strict: bool
) -> tuple[Difference, ...]:
    """Return the difference of the images: by ID, so a moved tag counts; with ``strict`` also by name."""
    if image_id != wanted_id:
        shown = (_named(before.image, image_id), _named(after.image, wanted_id))
        return (Difference("image", image_id or before.image, wanted_id or after.image, RECREATE, *shown),)
    named = strict or after.rootfs
    if named and before.image != after.image:
        return (Difference("image", before.image, after.image, RECREATE),)
    return ()


def _named(name: str, image_id: str | None) -> str:
    """Return an image's name with its ID, which distinguishes images of the same name."""
    return f"{name} ({image_id[:12]})" if image_id else name


def implied_differences(
    before: Mapping[str, Mount], after: Mapping[str, Mount], known: Iterable[Difference]
) -> tuple[Difference, ...]:
    """Return the differences of mounts from ``volumes_from``, unless a ``known`` difference explains them."""
    if {"volumes_from", "image_volume", "image"} & {item.option for item in known}:
        return ()
    encoded = ({path: mount.encode() for path, mount in mounts.items()} for mounts in (before, after))
    return tuple(
        Difference(name, old, new, RECREATE) for name, old, new in _compare("volumes_from", *encoded)
    )


def mounted_differences(
    before: Mapping[str, str],
    after: Mapping[str, str],
    told: Iterable[Difference],
    names: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Difference, ...]:
    """Return the differences of mounted images whose names now refer to other images, without those in ``told``.

    ``names``: the names of the images, by destination.
    """
    known = {item.option for item in told}
    return tuple(
        Difference(
            f"mounts.{path}",
            before[path],
            wanted,
            RECREATE,
            _named(names.get(path, ""), before[path]),
            _named(names.get(path, ""), wanted),
        )
        for path, wanted in after.items()
        if before.get(path, wanted) != wanted and f"mounts.{path}" not in known
    )


def text_differences(before: dict[str, Any], after: dict[str, Any]) -> tuple[Difference, ...]:
    """Return the differences of two plain mappings in which every change is live (volume labels)."""
    return tuple(
        Difference(name, old, new, LIVE)
        for key in sorted({*before, *after})
        for name, old, new in _compare(key, before.get(key), after.get(key))
    )


def _compare(name: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    if before == after:
        return
    # An empty list is a value (entrypoint: none), not a mapping without keys; only None can mean either.
    if not all(value is None or isinstance(value, dict) for value in (before, after)):
        yield name, before, after
        return
    old, new = before or {}, after or {}
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            yield f"{name}.{key}", old.get(key), new.get(key)


def unapplied(spec: ContainerSpec, given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the options in ``given``, in the form of a task, whose values differ from the container's spec."""
    has = spec.encode()
    asked = [option for option in OPTIONS if any(name in given for name in option.arguments)]
    return tuple(option.name for option in asked if not _says(option, given, has.get(option.name)))


def _says(option: Option, given: Mapping[str, Any], encoded: Any) -> bool:
    try:
        value = option.parse(given)
    except InvalidOption:
        return False
    return bool((None if value is None else option.kind.encode(value)) == encoded)
