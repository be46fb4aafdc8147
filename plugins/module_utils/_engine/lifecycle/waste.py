# SPDX-License-Identifier: GPL-3.0-or-later
"""Throw directories away so that they are gone at once, and sweep up what killed runs left."""

from __future__ import annotations

import os
from contextlib import suppress

from ..errors import LockTimeout
from ..kernel import staging
from ..kernel.locks import lock
from ..state import containers
from .engine import RANK_CONTAINER, Engine

_LOCK = "container-"


def throw_away(engine: Engine, path: str) -> None:
    """Move a directory out of sight in one step, then delete it; what a kill leaves is in staging and swept later."""
    with staging.staging(engine.layout.staging) as (stage, _fd), suppress(FileNotFoundError):
        os.rename(path, f"{stage}/trash")


def sweep(engine: Engine) -> None:
    """Delete what lies in staging and belongs to nobody who lives."""
    staging.sweep(engine.layout.staging)


def sweep_locks(engine: Engine) -> None:
    """Remove the lock files of containers that are gone: a removal that was killed right at its end has left one."""
    with engine.database.reading() as connection:
        known = {*containers.names(connection).values()}
    for name in os.listdir(engine.layout.locks):
        container_id = name.removesuffix(".lock").removeprefix(_LOCK)
        if not name.startswith(_LOCK) or container_id in known:
            continue
        path = engine.layout.lock("container", container_id)
        # Held: somebody is about to find out that the container is gone, and removes the file himself.
        with (
            suppress(LockTimeout, FileNotFoundError),
            lock(path, timeout=0, what="sweep", rank=RANK_CONTAINER),
        ):
            os.unlink(path)
