# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring what an image says of its containers into the forms that a task's options have; pure.

Whoever wrote the image can't be asked. So what has a meaning gets its one spelling, and what has none is left out, with a
warning for whoever loads the image: no verb may trip over it later. Sources: OCI image-spec v1.1, config.md; podman's
getImageVolumes, makeCommand and envLib.ParseSlice; Docker's daemon/health.go.
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

#: Takes note of what is left out, in a sentence.
Warn = Callable[[str], None]

_SURROGATE = re.compile("[\ud800-\udfff]")
_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?", re.ASCII | re.IGNORECASE)
_LAST_PORT = 65535
#: RFC 3339, as the specification wants it; the fraction may have any length.
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_TESTS = ("CMD", "CMD-SHELL", "NONE")
#: Docker's least time between checks and for one, in nanoseconds.
_LEAST_SPAN = 10**6
_SPANS = ("Interval", "Timeout", "StartPeriod", "StartInterval")
_STEP_TEXTS = ("created_by", "author", "comment")


def plain(value: object) -> str | None:
    """Return a text in a form that has UTF-8, with U+FFFD for what has none; None for what is no text."""
    return _SURROGATE.sub("\ufffd", value).replace("\0", "\ufffd") if isinstance(value, str) else None


def volumes(paths: Iterable[str], warn: Warn) -> tuple[str, ...]:
    """Return the places of volumes, each in its one spelling; a relative one counts from the root."""
    found = set()
    for path in paths:
        place = normal_path(f"/{path}")
        if place == "/":
            warn(f"VOLUME {path!r} would cover the root file system, and is left out")
        elif is_too_long(place):
            warn(f"VOLUME {path[:80]!r}... is longer than Linux takes, and is left out")
        else:
            found.add(place)
    return tuple(sorted(found))


def working_dir(path: str) -> str:
    """Return the directory that commands start in; a relative one counts from the root, none stays none."""
    return normal_path(f"/{path}") if path else ""


def entrypoint(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return the entrypoint; one empty word is none, as podman and Docker have it."""
    return () if argv == ("",) else argv


def env(items: Iterable[str], warn: Warn) -> tuple[str, ...]:
    """Return ``NAME=VALUE`` for each variable once; the last one counts."""
    found = {}
    for item in items:
        name, equals, value = item.partition("=")
        if name and equals:
            found[name] = value
        else:
            warn(f"ENV {item[:80]!r} is no NAME=VALUE, and is left out")
    return tuple(f"{name}={value}" for name, value in found.items())


def user(text: str, warn: Warn) -> str:
    """Return the user as he is written; a number that is no id can't be mended, for nobody knows who is meant."""
    for part in text.split(":"):
        if is_number(part) and number(part) is None:
            warn(f"USER {text[:80]!r} has a number too large for an id: its containers need the option user")
    return text


def stop_signal(text: str, warn: Warn) -> str:
    """Return the signal as it is written, "" for what is none: then the usual one counts."""
    try:
        signal_number("STOPSIGNAL", text or "TERM")
    except InvalidOption:
        warn(f"STOPSIGNAL {text[:80]!r} is no signal: its containers are stopped by the usual one")
        return ""
    return text


def ports(items: Iterable[str], warn: Warn) -> tuple[str, ...]:
    """Return ``PORT/PROTOCOL`` for each port, or ``PORT-PORT/PROTOCOL``."""
    found = set()
    for item in items:
        match = _PORT.fullmatch(item)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if match is None or not 1 <= first <= last <= _LAST_PORT:
            warn(f"EXPOSE {item[:80]!r} is no port, and is left out")
            continue
        span = str(first) if first == last else f"{first}-{last}"
        found.add(f"{span}/{(match[3] or 'tcp').lower()}")
    return tuple(sorted(found))


def date(what: str, value: object, warn: Warn) -> str | None:
    """Return a time as it is written (RFC 3339); None for what is none."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and _is_date(value):
        return value
    warn(f"{what} {str(value)[:40]!a} is no time, and is left out")
    return None


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    try:
        return match is not None and bool(datetime.fromisoformat(f"{match[1]}T{match[2]}"))
    except ValueError:  # a 13th month
        return False


def healthcheck(told: object, warn: Warn) -> Mapping[str, Any] | None:
    """Return the health check in Docker's words; None for none, and for one that has no meaning."""
    if told is None or told == {}:
        return None
    test = _test(told.get("Test")) if isinstance(told, dict) else None
    if not isinstance(told, dict) or test is None:
        warn("HEALTHCHECK has no test that can be run, and is left out")
        return None
    found: dict[str, Any] = {"Test": test} if test else {}
    for key in (*_SPANS, "Retries"):
        value, least = told.get(key), 1 if key == "Retries" else _LEAST_SPAN
        if value is None or (isinstance(value, int) and value == 0):
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= INT64_MAX:
            warn(f"HEALTHCHECK's {key} {str(value)[:40]!a} is no number of it, and the usual one counts")
            continue
        found[key] = value
    return found or None


def _test(value: object) -> list[str] | None:
    """Return the test, [] for none of its own, None for what is no test."""
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
    """Return the steps by which the image was made, without what is none and with texts that have UTF-8."""
    if entries is None:
        return ()
    steps = entries if isinstance(entries, list) else [entries]
    told: list[str] = []
    found = tuple(_step(step, told.append) for step in steps if isinstance(step, dict))
    if told or len(found) < len(steps):
        warn("parts of its history can't be read, and are mended or left out")
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
