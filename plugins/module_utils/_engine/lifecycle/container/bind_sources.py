# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the directories of the host that a bind mount with ``create`` shows and that are not there yet."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ...errors import InvalidOption
from ...model.mounts.mount import BIND, Mount

#: Root's, for everybody to look into, as docker makes them.
_MODE = 0o755


def missing(mounts: Iterable[Mount]) -> tuple[str, ...]:
    """Return the sources that are to be made."""
    wanted = {mount.source for mount in mounts if mount.kind == BIND and "create" in mount.options}
    return tuple(sorted(path for path in wanted if not os.path.lexists(path)))


def make(path: str) -> None:
    """Make the directory and those above it, whatever the umask is; one that is there by now is fine. Raises InvalidOption."""
    try:
        _make(path)
    except OSError as error:
        remedy = "Name a place on a disk where directories can be made"
        raise InvalidOption("volume", path, f"can't be made: {error.strerror}", remedy=remedy) from error


def _make(path: str) -> None:
    if os.path.isdir(path):
        return
    _make(os.path.dirname(path))
    try:
        os.mkdir(path, _MODE)
    except FileExistsError:
        if not os.path.isdir(path):
            raise
        return
    os.chmod(path, _MODE)
