# SPDX-License-Identifier: GPL-3.0-or-later
"""Take away what a trial (lifecycle/converge/trial.py) has on the host, also of one whose task was killed in the middle.

Its mounts end with its task and its process. A note in its directory, which is locked while the task lives, tells of the rest.
"""

from __future__ import annotations

import os
from contextlib import suppress

from ...errors import EngineError
from ...kernel import staging
from ...model.engine.layout import Layout
from ...runtime import oci
from ...state import containers
from ..core.engine import Engine
from ..core.trial_notes import Note, read
from ..resources import cgroup
from .recover import end_starters


def runtime_of(name: str | None, place: str) -> oci.OciRuntime:
    """Return the runtime with a state directory in the trial's own: what lives in the engine's is a container."""
    return oci.find_runtime(name, root=f"{place}/oci")


def tear_down(note: Note, place: str) -> None:
    """End the trial's process and make the runtime forget it; idempotent."""
    runtime_of(note.runtime, place).delete(note.id, force=True)
    if note.cgroup:
        cgroup.clear_path(note.cgroup)


def sweep(layout: Layout) -> bool:
    """Take away what trials left whose task was killed; tell whether there was any.

    What can't be taken away now is tried again by the next verb: it must not keep any from being used.
    """
    swept = False
    with suppress(EngineError, OSError):
        swept = bool(staging.sweep(layout.trials, _end))
    with suppress(OSError):  # a trial goes on there
        os.rmdir(layout.trials)
    return swept


def _end(place: str) -> None:
    note = read(place)
    if note is not None:
        end_starters(note.id)
        tear_down(note, place)


def clear_engine(engine: Engine) -> None:
    """Remove the engine's own cgroup where no container is left after a trial was swept."""
    with engine.database.transaction() as connection:
        if not containers.names(connection):
            cgroup.clear_engine(engine)
