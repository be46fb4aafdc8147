# SPDX-License-Identifier: GPL-3.0-or-later
"""Normalize an image's defaults for containers to the form of a task's options; pure.

Valid values get their canonical spelling. Invalid ones are dropped with a warning when the image is loaded, because they cannot
be corrected and must not make a later verb fail. Sources: OCI image-spec v1.1, config.md; podman's getImageVolumes, makeCommand
and envLib.ParseSlice; Docker's daemon/health.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from ...errors import InvalidOption
from ..values.accounts import is_number, number
from ..values.quantities import INT64_MAX, signal_number
from ..values.text import is_too_long, normal_path

#: Records a warning about a value that is dropped.
Warn = Callable[[str], None]

_SURROGATE = re.compile("[\ud800-\udfff]")
_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?", re.ASCII | re.IGNORECASE)
_LAST_PORT = 65535
#: RFC 3339, as the specification requires.
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_TESTS = ("CMD", "CMD-SHELL", "NONE")
#: Docker's minimum for intervals and timeouts, in nanoseconds.
_LEAST_SPAN = 10**6
_SPANS = ("Interval", "Timeout", "StartPeriod", "StartInterval")
_STEP_TEXTS = ("created_by", "author", "comment")


def plain(value: object) -> str | None:
    """Return a string with U+FFFD for characters that UTF-8 cannot encode and for NUL; None if it is not a string."""
    return _SURROGATE.sub("\ufffd", value).replace("\0", "\ufffd") if isinstance(value, str) else None


def volumes(paths: Iterable[str], warn: Warn) -> tuple[str, ...]:
    """Return the normalized paths of volumes; relative ones are taken from the root."""
    found = set()
    for path in paths:
        place = normal_path(f"/{path}")
        if place == "/":
            warn(f"VOLUME {path!r} would cover the root file system, and is ignored")
        elif is_too_long(place):
            warn(f"VOLUME {path[:80]!r}... is too long for Linux, and is ignored")
        else:
            found.add(place)
    return tuple(sorted(found))


def working_dir(path: str) -> str:
    """Return the normalized working directory, "" if unset; a relative one is taken from the root."""
    return normal_path(f"/{path}") if path else ""


def entrypoint(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return the entrypoint; as in podman and Docker, a single empty word means none."""
    return () if argv == ("",) else argv


def env(items: Iterable[str], warn: Warn) -> tuple[str, ...]:
    """Return ``NAME=VALUE`` once for each variable; the last one wins."""
    found = {}
    for item in items:
        name, equals, value = item.partition("=")
        if name and equals:
            found[name] = value
        else:
            warn(f"ENV {item[:80]!r} is not NAME=VALUE, and is ignored")
    return tuple(f"{name}={value}" for name, value in found.items())


def user(text: str, warn: Warn) -> str:
    """Return the user unchanged; a number that is not a valid ID only causes a warning, because it cannot be corrected."""
    for part in text.split(":"):
        if is_number(part) and number(part) is None:
            warn(
                f"USER {text[:80]!r} has a number too large for an ID: its containers require the option user"
            )
    return text


def stop_signal(text: str, warn: Warn) -> str:
    """Return the stop signal unchanged, "" if it is invalid, so that the default applies."""
    try:
        signal_number("STOPSIGNAL", text or "TERM")
    except InvalidOption:
        warn(f"STOPSIGNAL {text[:80]!r} is not a signal: its containers are stopped by the default signal")
        return ""
    return text


def ports(items: Iterable[str], warn: Warn) -> tuple[str, ...]:
    """Return ``PORT/PROTOCOL`` or ``PORT-PORT/PROTOCOL`` for each item."""
    found = set()
    for item in items:
        match = _PORT.fullmatch(item)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if match is None or not 1 <= first <= last <= _LAST_PORT:
            warn(f"EXPOSE {item[:80]!r} is not a port, and is ignored")
            continue
        span = str(first) if first == last else f"{first}-{last}"
        found.add(f"{span}/{(match[3] or 'tcp').lower()}")
    return tuple(sorted(found))


def date(what: str, value: object, warn: Warn) -> str | None:
    """Return a time unchanged (RFC 3339), None if it is unset or invalid."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and _is_date(value):
        return value
    warn(f"{what} {str(value)[:40]!a} is not a time, and is ignored")
    return None


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    try:
        return match is not None and bool(datetime.fromisoformat(f"{match[1]}T{match[2]}"))
    except ValueError:  # a 13th month
        return False


def healthcheck(given: object, warn: Warn) -> Mapping[str, Any] | None:
    """Return the health check in Docker's form, None if it is unset or invalid."""
    if given is None or given == {}:
        return None
    test = _test(given.get("Test")) if isinstance(given, dict) else None
    if not isinstance(given, dict) or test is None:
        warn("HEALTHCHECK has no valid test, and is ignored")
        return None
    found: dict[str, Any] = {"Test": test} if test else {}
    for key in (*_SPANS, "Retries"):
        value, least = given.get(key), 1 if key == "Retries" else _LEAST_SPAN
        if value is None or (isinstance(value, int) and value == 0):
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= INT64_MAX:
            warn(f"HEALTHCHECK's {key} {str(value)[:40]!a} is invalid, and the default applies")
            continue
        found[key] = value
    return found or None


def _test(value: object) -> list[str] | None:
    """Return the test, [] if it is unset, None if it is invalid."""
    if value is None or value == []:
        return []
    if not isinstance(value, list) or not all(
        isinstance(word, str) and plain(word) == word for word in value
    ):
        return None
    if value[0] not in _TESTS or (value[0] != "NONE" and not "".join(value[1:])):
        return None
    return ["CMD-SHELL", " ".join(value[1:])] if value[0] == "CMD-SHELL" else value


def history(entries: object, warn: Warn) -> tuple[Mapping[str, Any], ...]:
    """Return the build steps of the image, without invalid ones and with valid UTF-8."""
    if entries is None:
        return ()
    steps = entries if isinstance(entries, list) else [entries]
    wrong: list[str] = []
    found = tuple(_step(step, wrong.append) for step in steps if isinstance(step, dict))
    if wrong or len(found) < len(steps):
        warn("parts of its history are invalid, and are corrected or ignored")
    return found


def _step(step: Mapping[str, Any], warn: Warn) -> dict[str, Any]:
    found: dict[str, Any] = {}
    when = date("created", step.get("created"), warn)
    if when is not None:
        found["created"] = when
    for key in _STEP_TEXTS:
        value = step.get(key)
        text = plain(value)
        if text is not None:
            found[key] = text
        if text != value:
            warn(key)
    if "empty_layer" in step:
        found["empty_layer"] = step["empty_layer"] is True
    return found
