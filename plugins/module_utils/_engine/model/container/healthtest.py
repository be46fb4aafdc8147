# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the command of a health check (podman-run(1) ``--health-cmd``)."""

from __future__ import annotations

from ...errors import InvalidOption
from ..values import jsontext
from ..values.durations import positive
from ..values.text import plain_text

NONE, KILL, RESTART, STOP = "none", "kill", "restart", "stop"
ACTIONS = (NONE, KILL, RESTART, STOP)


def command(test: tuple[str, ...]) -> tuple[str, ...]:
    """Return the argument list of a test, () for no check."""
    if len(test) > 1 and test[0] == "CMD-SHELL":
        return ("/bin/sh", "-c", test[1])
    return test[1:] if test and test[0] == "CMD" else ()


def parse_test(option: str, value: object) -> tuple[str, ...]:
    """Parse a test, a string or a list, into Docker's form, by podman's rules (``--health-cmd``).

    ``none`` means no check; a string is a shell command unless it begins with CMD or is a JSON list.
    """
    words = _listed(value)
    if words is None:
        return _of_text(option, plain_text(option, value).strip())
    texts = tuple(plain_text(option, word) for word in words)
    if not texts or not any(texts):
        raise InvalidOption(option, value, "names no command", remedy="Write a command, or none for no check")
    if texts[0].upper() in ("CMD", "CMD-SHELL", "NONE"):
        return _checked(option, value, (texts[0].upper(), *texts[1:]))
    return ("CMD-SHELL", texts[0]) if len(texts) == 1 else ("CMD", *texts)


def _of_text(option: str, text: str) -> tuple[str, ...]:
    first, _blank, rest = text.partition(" ")
    if not text:
        raise InvalidOption(option, text, "names no command", remedy="Write a command, or none for no check")
    if text.lower() == NONE:
        return ("NONE",)
    if first.upper() == "CMD-SHELL":
        return _checked(option, text, ("CMD-SHELL", rest.strip()))
    return _checked(option, text, ("CMD", *rest.split())) if first.upper() == "CMD" else ("CMD-SHELL", text)


def _checked(option: str, value: object, test: tuple[str, ...]) -> tuple[str, ...]:
    if test[0] == "NONE":
        return ("NONE",)
    if len(test) < 2 or not test[1] or (test[0] == "CMD-SHELL" and len(test) > 2):
        raise InvalidOption(
            option, value, "is not a command", remedy="Write it as in [CMD, curl, -f, localhost]"
        )
    return test


def _listed(value: object) -> list[object] | None:
    if isinstance(value, (list, tuple)):
        return list(value)
    try:
        decoded = jsontext.parse(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return decoded if isinstance(decoded, list) else None


def parse_interval(option: str, value: object) -> int:
    """Parse the interval between checks; ``disable`` is 0: the check runs only on demand."""
    return 0 if str(value).strip().lower() == "disable" else positive(option, value)


def parse_action(option: str, value: object) -> str:
    """Parse the action for an unhealthy container."""
    if value not in ACTIONS:
        raise InvalidOption(option, value, "is not an action", remedy=f"Write one of {', '.join(ACTIONS)}")
    return str(value)
