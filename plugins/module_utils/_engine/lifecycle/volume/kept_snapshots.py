# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep a volume's content as a snapshot where something else takes its place; no data is lost without a word."""

from __future__ import annotations

import os
import time

from ...kernel import files
from ...model.values.times import rfc3339
from ...model.volume.content import ASKED, Snapshot
from ...trees.metadata import carry
from ...volumes import snapshots
from ...volumes.stage import stage
from ..core.engine import Engine
from .replace import put


def keep(engine: Engine, name: str, reason: str, *, starting: str = "") -> str:
    """Let a volume's content become a snapshot, whose name is returned; the volume is empty then, with its owner and mode.

    ``reason`` in a word or a few, as in ``before-import``, begins the name. The volume's lock is held, and no container
    that runs has the volume; ``starting`` is the id of the one whose start needs this. All or nothing, also when it is
    killed. Raises InUse.
    """
    kept = fresh(engine, name, reason)
    with stage(engine.layout.volume(name)) as top:
        made = f"{top}/content"
        empty_like(engine.layout.volume_data(name), f"{made}/data")
        put(engine, name, made, keep=kept, origin=None, starting=starting)
    return kept.name


def fresh(engine: Engine, name: str, reason: str) -> Snapshot:
    """Return a snapshot of now whose name, the reason and the time, nobody has; the volume's lock is held."""
    return _new(engine, name, f"{reason}-", reason)


def stamped(engine: Engine, name: str) -> Snapshot:
    """Return one that a task asks for without a name: the time is its name."""
    return _new(engine, name, "", ASKED)


def _new(engine: Engine, name: str, prefix: str, reason: str) -> Snapshot:
    taken = {one.name for one in snapshots.read(engine.layout.volume(name))}
    now = time.time_ns()
    stamp = rfc3339(now)[:19].replace("-", "").replace(":", "")
    names = (f"{prefix}{stamp}Z{tail}" for tail in ("", *(f"-{number}" for number in range(2, 1000))))
    return Snapshot(next(one for one in names if one not in taken), now, reason)


def empty_like(model: str, path: str) -> None:
    """Make an empty directory with owner, mode and attributes of another, and those above it."""
    os.makedirs(path, 0o700)
    with files.directory(model) as source, files.directory(path) as target:
        carry(source, target, os.fstat(source))
