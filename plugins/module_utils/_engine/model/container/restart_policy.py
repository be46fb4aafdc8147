# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse a restart policy (podman-run(1), ``--restart``); pure."""

from __future__ import annotations

from typing import NamedTuple

from ...errors import InvalidOption

NO, ON_FAILURE, ALWAYS, UNLESS_STOPPED = "no", "on-failure", "always", "unless-stopped"
_WORDS = (NO, ON_FAILURE, ALWAYS, UNLESS_STOPPED)
#: An unquoted ``no`` is a boolean in YAML, which Ansible converts to one of these strings.
_OF_YAML = {"": NO, "false": NO, "False": NO}
_REMEDY = "Write no, on-failure, on-failure:N, always or unless-stopped"


class RestartPolicy(NamedTuple):
    """When to restart a container; ``retries`` limits the restarts of on-failure, 0 is no limit."""

    word: str = NO
    retries: int = 0

    def __str__(self) -> str:
        return f"{self.word}:{self.retries}" if self.retries else self.word

    @property
    def persistent(self) -> bool:
        """Return whether the container should always run unless its user has stopped it."""
        return self.word in (ALWAYS, UNLESS_STOPPED)


def parse_restart_policy(option: str, value: object) -> RestartPolicy:
    """Parse a policy, as in ``on-failure:3``. Raises InvalidOption."""
    text = str(value)
    word, colon, count = _OF_YAML.get(text, text).partition(":")
    if word not in _WORDS:
        raise InvalidOption(option, value, "is not a restart policy", remedy=_REMEDY)
    if not colon:
        return RestartPolicy(word)
    if word != ON_FAILURE:
        raise InvalidOption(option, value, f"has a count, which is invalid for {word}", remedy=_REMEDY)
    # At most nine digits: more restarts than the shortest runs can cause in a century.
    if not (count.isascii() and count.isdigit() and len(count) <= 9):
        raise InvalidOption(option, value, "has an invalid count", remedy=_REMEDY)
    return RestartPolicy(word, int(count))


def decode_restart_policy(text: str) -> RestartPolicy:
    """Decode the result of ``str``."""
    return parse_restart_policy("restart_policy", text)
