# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a restart policy (podman-run(1), ``--restart``); pure."""

from __future__ import annotations

from typing import NamedTuple

from ...errors import InvalidOption

NO, ON_FAILURE, ALWAYS, UNLESS_STOPPED = "no", "on-failure", "always", "unless-stopped"
_WORDS = (NO, ON_FAILURE, ALWAYS, UNLESS_STOPPED)
#: An unquoted ``no`` is a boolean in YAML, of which Ansible makes this text.
_OF_YAML = {"": NO, "false": NO, "False": NO}
_REMEDY = "Write no, on-failure, on-failure:N, always or unless-stopped"


class RestartPolicy(NamedTuple):
    """When the policy starts a container again; ``retries`` bounds how often on-failure does, 0 is no bound."""

    word: str = NO
    retries: int = 0

    def __str__(self) -> str:
        return f"{self.word}:{self.retries}" if self.retries else self.word

    @property
    def persistent(self) -> bool:
        """Tell whether the container is to run whenever its user has not stopped it."""
        return self.word in (ALWAYS, UNLESS_STOPPED)


def parse_restart_policy(option: str, value: object) -> RestartPolicy:
    """Return the policy for ``on-failure:3`` and the like; raises InvalidOption."""
    text = str(value)
    word, colon, count = _OF_YAML.get(text, text).partition(":")
    if word not in _WORDS:
        raise InvalidOption(option, value, "is no restart policy", remedy=_REMEDY)
    if not colon:
        return RestartPolicy(word)
    if word != ON_FAILURE:
        raise InvalidOption(option, value, f"has a count, which {word} can't have", remedy=_REMEDY)
    # At most nine digits: more restarts than a century of the shortest runs has.
    if not (count.isascii() and count.isdigit() and len(count) <= 9):
        raise InvalidOption(option, value, "has no count after the colon", remedy=_REMEDY)
    return RestartPolicy(word, int(count))


def decode_restart_policy(text: str) -> RestartPolicy:
    """Return the policy that ``str`` gave."""
    return parse_restart_policy("restart_policy", text)
