# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep a volume's content as a snapshot before it is replaced, so that no data is lost silently."""

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
    """Turn a volume's content into a snapshot and return its name; the volume is empty afterwards.

    The volume keeps its owner and mode. The name begins with ``reason``, a word or a few, as in ``before-import``. The
    caller holds the volume's lock, and no running container has the volume; ``starting`` is the id of the container
    whose start needs this. All or nothing, even if it is killed. Raises InUse.
    """
    kept = fresh(engine, name, reason)
    with stage(engine.layout.volume(name)) as top:
        made = f"{top}/content"
        empty_like(engine.layout.volume_data(name), f"{made}/data")
        put(engine, name, made, keep=kept, origin=None, starting=starting)
    return kept.name


def fresh(engine: Engine, name: str, reason: str) -> Snapshot:
    """Return a new snapshot with an unused name: reason and time. The caller holds the volume's lock."""
    return _new(engine, name, f"{reason}-", reason)


def stamped(engine: Engine, name: str) -> Snapshot:
    """Return a new snapshot for a task that names none: its name is the time."""
    return _new(engine, name, "", ASKED)


def _new(engine: Engine, name: str, prefix: str, reason: str) -> Snapshot:
    taken = {one.name for one in snapshots.read(engine.layout.volume(name))}
    now = time.time_ns()
    stamp = rfc3339(now)[:19].replace("-", "").replace(":", "")
    names = (f"{prefix}{stamp}Z{tail}" for tail in ("", *(f"-{number}" for number in range(2, 1000))))
    return Snapshot(next(one for one in names if one not in taken), now, reason)


def empty_like(model: str, path: str) -> None:
    """Create an empty directory with the owner, mode and attributes of another, and its missing parents."""
    os.makedirs(path, 0o700)
    with files.directory(model) as source, files.directory(path) as target:
        carry(source, target, os.fstat(source))
