# SPDX-License-Identifier: GPL-3.0-or-later
"""Create missing source directories on the host for bind mounts with ``create``."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ...errors import InvalidOption
from ...model.mounts.mount import BIND, Mount

#: Owned by root and world-readable, as docker creates them.
_MODE = 0o755


def missing(mounts: Iterable[Mount]) -> tuple[str, ...]:
    """Return the sources that must be created."""
    wanted = {mount.source for mount in mounts if mount.kind == BIND and "create" in mount.options}
    return tuple(sorted(path for path in wanted if not os.path.lexists(path)))


def make(path: str) -> None:
    """Create the directory and its missing parents, regardless of the umask. Raises InvalidOption."""
    try:
        _make(path)
    except OSError as error:
        remedy = "Use a path on a file system where directories can be created"
        raise InvalidOption("volume", path, f"can't be created: {error.strerror}", remedy=remedy) from error


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
