# SPDX-License-Identifier: GPL-3.0-or-later
"""Select containers with podman's filters; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleParserError

#: A container in the format of inspect.
Shape = Mapping[str, Any]
_Fits = Callable[[Shape], bool]

#: Values of ``State.Status``.
STATUSES = ("created", "initialized", "running", "paused", "stopped", "exited", "removing", "unknown")
#: Values of ``State.Health.Status``; "none" stands for "", the value without a health check.
HEALTHS = ("healthy", "unhealthy", "starting", "none")
#: Lengths of a full and an abbreviated ID.
_ID_LENGTHS = (64, 12)


def chooser(filters: Mapping[str, Any]) -> _Fits:
    """Return a function that returns whether a container matches all filters. Raises AnsibleParserError.

    One of several values of a filter must match, but all labels, as in podman and docker.
    """
    tests = [_filter(str(key), value) for key, value in filters.items()]
    return lambda shape: all(test(shape) for test in tests)


def _filter(key: str, value: Any) -> _Fits:
    if key not in _FILTERS:
        raise AnsibleParserError(f"filters: there is none named {key!r}. Use one of {', '.join(_FILTERS)}")
    fits = [_FILTERS[key](text) for text in _texts(key, value)]
    enough = all if key == "label" else any
    return lambda shape: enough(each(shape) for each in fits)


def _texts(key: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    for each in values:
        if not isinstance(each, (str, int)) or each == "":
            raise AnsibleParserError(f"filters: {key} must be a string or a list of strings, not {each!r}")
    if not values:
        raise AnsibleParserError(f"filters: {key} is an empty list, which no container matches. Leave it out")
    return [str(each) for each in values]


def _status(text: str) -> _Fits:
    _one_of("status", text, STATUSES)
    return lambda shape: shape["State"]["Status"] == text


def _health(text: str) -> _Fits:
    _one_of("health", text, HEALTHS)
    wanted = "" if text == "none" else text
    return lambda shape: shape["State"]["Health"]["Status"] == wanted


def _one_of(key: str, text: str, words: tuple[str, ...]) -> None:
    if text not in words:
        raise AnsibleParserError(f"filters: {key} must be one of {', '.join(words)}, not {text!r}")


def _label(text: str) -> _Fits:
    name, equals, value = text.partition("=")

    def fits(shape: Shape) -> bool:
        labels = shape["Config"]["Labels"] or {}
        return name in labels and (not equals or labels[name] == value)

    return fits


def _name(text: str) -> _Fits:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise AnsibleParserError(
            f"filters: name: {text!r} is not a valid regular expression: {error}"
        ) from None
    return lambda shape: pattern.search(shape["Name"]) is not None


def _image(text: str) -> _Fits:
    digits = text.removeprefix("sha256:")
    is_id = len(digits) in _ID_LENGTHS and not set(digits) - set("0123456789abcdef")

    def fits(shape: Shape) -> bool:
        if is_id and (shape["Image"] or "").removeprefix("sha256:").startswith(digits):
            return True
        name = shape["ImageName"]
        return any(f"/{known}".endswith(f"/{text}") for known in (name, _without_tag(name)))

    return fits


def _without_tag(name: str) -> str:
    path, slash, last = name.partition("@")[0].rpartition("/")
    return f"{path}{slash}{last.partition(':')[0]}"


def _network(text: str) -> _Fits:
    def fits(shape: Shape) -> bool:
        joined = shape["NetworkSettings"].get("Networks") or {}
        return text in joined or text in shape["HostConfig"]["NetworkMode"].split(",")

    return fits


_FILTERS: Mapping[str, Callable[[str], _Fits]] = {
    "status": _status,
    "label": _label,
    "image": _image,
    "name": _name,
    "network": _network,
    "health": _health,
}
