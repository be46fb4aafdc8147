# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter lists by ``--filter KEY=VALUE``; pure.

The keys are those of podman-ps(1), podman-images(1), podman-volume-ls(1) and podman-network-ls(1). Of several filters
with one key any must match (of labels all), and every key must match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ...errors import InvalidOption
from ...images.archive.reference import candidates
from ...model.values.labels import match
from ...model.values.moments import moment
from ...model.values.names import near

Shape = Mapping[str, Any]
#: Returns whether a thing matches a value; the third argument is the whole list.
Test = Callable[[Shape, str, Sequence[Shape]], bool]
_OPTION = "filter"
_ALL_HAVE_TO_FIT = ("label", "label!")
#: Podman's alternative names of states.
_STATES = {"stopped": "exited", "configured": "created"}


def parse(texts: Iterable[str], keys: Mapping[str, Test]) -> tuple[tuple[str, str], ...]:
    """Return the filters as pairs. Raises InvalidOption for an unknown key or an invalid value."""
    return tuple(_pair(text, keys) for text in texts)


def _pair(text: str, keys: Mapping[str, Test]) -> tuple[str, str]:
    # "label!=a=b" is the key "label!".
    key, equals, value = text.partition("=")
    if not equals or key not in keys:
        hint = f" (near: {', '.join(near(key, keys))})" if equals and near(key, keys) else ""
        raise InvalidOption(
            _OPTION,
            text,
            f"is not a filter{hint}",
            remedy=f"Write KEY=VALUE, with one of the keys {', '.join(keys)}",
        )
    if key == "exited" and not re.fullmatch(r"-?\d{1,9}", value, re.ASCII):
        raise InvalidOption(_OPTION, text, "is not an exit code", remedy="Write a number, as in exited=137")
    if key in ("name", "id"):
        _pattern(value)
    return key, value


def choose(
    found: Sequence[Shape], filters: Sequence[tuple[str, str]], keys: Mapping[str, Test]
) -> list[Shape]:
    """Return the shapes that match all filters."""
    return [shape for shape in found if _takes(shape, filters, keys, found)]


def _takes(
    shape: Shape, filters: Sequence[tuple[str, str]], keys: Mapping[str, Test], among: Sequence[Shape]
) -> bool:
    for key in dict.fromkeys(key for key, _value in filters):
        fits = [keys[key](shape, value, among) for wanted, value in filters if wanted == key]
        if not (all(fits) if key in _ALL_HAVE_TO_FIT else any(fits)):
            return False
    return True


# -- the keys ----------------------------------------------------------------------------------------


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise InvalidOption(
            _OPTION, text, f"is not a pattern: {error}", remedy="Write a name, or a regular expression"
        ) from error


def _labels(shape: Shape) -> Mapping[str, str]:
    config = shape.get("Config")
    return (config["Labels"] if config is not None else shape.get("Labels") or shape.get("labels")) or {}


def _ancestor(shape: Shape, value: str, _among: Sequence[Shape]) -> bool:
    identity = value.removeprefix("sha256:")
    if re.fullmatch(r"[0-9a-f]{2,64}", identity) and shape["Image"].startswith(identity):
        return True
    try:
        return shape["ImageName"] in (value, *candidates(value))
    except InvalidOption:
        return False


def networks(shape: Shape) -> list[str]:
    """Return the names of a container's networks, or its network mode if it is attached to none."""
    return [*shape["NetworkSettings"].get("Networks", ())] or [shape["HostConfig"]["NetworkMode"]]


def _volume(shape: Shape, value: str, _among: Sequence[Shape]) -> bool:
    places = ((mount.get("Name"), mount.get("Source"), mount.get("Destination")) for mount in shape["Mounts"])
    return any(value in place for place in places)


def _status(shape: Shape, value: str, _among: Sequence[Shape]) -> bool:
    return bool(shape["State"]["Status"] == _STATES.get(value, value))


def _exited(shape: Shape, value: str, _among: Sequence[Shape]) -> bool:
    return bool(shape["State"]["Status"] == "exited" and shape["State"]["ExitCode"] == int(value))


def _health(shape: Shape, value: str, _among: Sequence[Shape]) -> bool:
    return ((shape["State"].get("Health") or {}).get("Status") or "none") == value


def _policy(shape: Shape, value: str, _among: Sequence[Shape]) -> bool:
    name, _colon, count = value.partition(":")
    policy = shape["HostConfig"]["RestartPolicy"]
    return (policy["Name"] or "no") == name and (not count or str(policy["MaximumRetryCount"]) == count)


def _created(shape: Shape) -> str:
    return str(shape.get("Created") or shape.get("CreatedAt") or shape.get("created") or "")


def _creation_time(value: str, among: Sequence[Shape]) -> str:
    """Return the creation time of the thing with this name or id. Raises InvalidOption."""
    for other in among:
        if value in (other.get("Name"), other.get("Id"), *(other.get("RepoTags") or ())):
            return _created(other)
    found = [other for other in among if len(value) > 1 and str(other.get("Id", "")).startswith(value)]
    if len(found) != 1:
        raise InvalidOption(_OPTION, value, "matches nothing listed", remedy="Write a listed name or id")
    return _created(found[0])


def _until(shape: Shape, value: str, _among: Sequence[Shape]) -> bool:
    import time

    from ...model.values.times import rfc3339

    return _created(shape) < rfc3339(moment(_OPTION, value, now=time.time_ns()))


def _reference(shape: Shape, value: str, _among: Sequence[Shape]) -> bool:
    return any(
        fnmatchcase(name, pattern)
        for name in shape["RepoTags"]
        for pattern in (value, f"{value}:*", f"*/{value}", f"*/{value}:*")
    )


#: The keys of all kinds of things.
COMMON: Mapping[str, Test] = {
    "label": lambda shape, value, _among: match(_labels(shape), [value]),
    "label!": lambda shape, value, _among: not match(_labels(shape), [value]),
    "until": _until,
}
_IN_TIME: Mapping[str, Test] = {
    "before": lambda shape, value, among: _created(shape) < _creation_time(value, among),
    "since": lambda shape, value, among: _created(shape) > _creation_time(value, among),
}
CONTAINERS: Mapping[str, Test] = {
    "id": lambda shape, value, _among: bool(_pattern(value).search(shape["Id"])),
    "name": lambda shape, value, _among: bool(_pattern(value).search(shape["Name"])),
    "status": _status,
    "exited": _exited,
    "ancestor": _ancestor,
    "volume": _volume,
    "health": _health,
    "restart-policy": _policy,
    "network": lambda shape, value, _among: value in networks(shape),
    **COMMON,
    **_IN_TIME,
}
IMAGES: Mapping[str, Test] = {
    "id": lambda shape, value, _among: bool(_pattern(value).search(shape["Id"])),
    "reference": _reference,
    "dangling": lambda shape, value, _among: (not shape["RepoTags"]) == (value == "true"),
    **COMMON,
    **_IN_TIME,
}
VOLUMES: Mapping[str, Test] = {
    "name": lambda shape, value, _among: bool(_pattern(value).search(shape["Name"])),
    "driver": lambda shape, value, _among: bool(shape["Driver"] == value),
    "dangling": lambda shape, value, _among: (not shape["used_by"]) == (value == "true"),
    **COMMON,
}
NETWORKS: Mapping[str, Test] = {
    "id": lambda shape, value, _among: bool(_pattern(value).search(shape["id"])),
    "name": lambda shape, value, _among: bool(_pattern(value).search(shape["name"])),
    "driver": lambda shape, value, _among: bool(shape["driver"] == value),
    "dangling": lambda shape, value, _among: (not shape["used_by"]) == (value == "true"),
    **COMMON,
}
