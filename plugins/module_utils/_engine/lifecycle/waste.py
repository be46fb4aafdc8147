# SPDX-License-Identifier: GPL-3.0-or-later
"""Throw directories away so that they are gone at once, and sweep up what killed runs left."""

from __future__ import annotations

import os
from contextlib import suppress

from ..errors import LockTimeout
from ..kernel import mountinfo, staging
from ..kernel.locks import lock
from ..state import containers
from .engine import LAST, Engine


def throw_away(engine: Engine, path: str) -> None:
    """Move a directory out of sight in one step, then delete it; what a kill leaves is in staging and swept later."""
    with staging.staging(engine.layout.staging) as (stage, _fd), suppress(FileNotFoundError):
        os.rename(path, f"{stage}/trash")


def sweep(engine: Engine) -> None:
    """Delete what lies in staging and belongs to nobody who lives, and unmount volumes that nobody needs."""
    staging.sweep(engine.layout.staging)
    if mountinfo.below(os.path.realpath(engine.layout.volumes)):
        from .volume_mount import sweep_mounts

        sweep_mounts(engine)


def sweep_locks(engine: Engine) -> None:
    """Remove lock files that nobody would ever unlink: who was killed right at the end of a removal or a refresh left them."""
    with engine.database.reading() as connection:
        known = {*containers.names(connection).values()}
    for name in os.listdir(engine.layout.locks):
        kind, _dash, about = name.removesuffix(".lock").partition("-")
        if kind == "engine" or (kind == "container" and about not in known):
            path = engine.layout.lock(kind, about)
            # Held: whoever does so, or waits for it, removes the file himself.
            with suppress(LockTimeout, FileNotFoundError), lock(path, timeout=0, what="sweep", rank=LAST):
                os.unlink(path)
