# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's health, stored in a file of its run directory.

It is not in the database, because a host with a hundred checks would write and sync ten times a second what
is worthless after a reboot. The file is replaced atomically, so that a reader sees one result or the next,
and it is removed with the container.
"""

from __future__ import annotations

import json
import os

from ..model.container.health import Health
from ..model.engine.layout import ContainerLayout
from ..model.values.jsontext import parse_object

_LIMIT = 64 * 1024


def read(container: ContainerLayout) -> Health | None:
    """Return the health, or None if there is none or the file is invalid."""
    try:
        with open(container.health, encoding="utf-8", errors="replace") as stream:
            return Health.decode(parse_object(stream.read(_LIMIT)))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(container: ContainerLayout, health: Health) -> None:
    """Replace the stored health; raises FileNotFoundError if the container has been removed."""
    temporary = f"{container.health}.{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    with open(os.open(temporary, flags, 0o600), "wb") as stream:
        stream.write(json.dumps(health.encode()).encode("utf-8", "surrogateescape"))
    os.replace(temporary, container.health)
