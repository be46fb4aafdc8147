# SPDX-License-Identifier: GPL-3.0-or-later
"""Tear down what a trial (lifecycle/converge/trial.py) has on the host, also after its task was killed.

Its mounts end with its process. A note in its directory, which is locked while the task lives, lists the rest.
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
    """Return the runtime, with its state in the trial's directory: the engine's is for containers."""
    return oci.find_runtime(name, root=f"{place}/oci")


def tear_down(note: Note, place: str) -> None:
    """Delete the trial with the runtime, which kills its process, and remove its cgroup; idempotent."""
    runtime_of(note.runtime, place).delete(note.id, force=True)
    if note.cgroup:
        cgroup.clear_path(note.cgroup)


def sweep(layout: Layout) -> bool:
    """Tear down the trials of killed tasks; return whether there were any.

    The next verb retries failures, which must not fail this one.
    """
    swept = False
    with suppress(EngineError, OSError):
        swept = bool(staging.sweep(layout.trials, _end))
    with suppress(OSError):  # a trial is running there
        os.rmdir(layout.trials)
    return swept


def _end(place: str) -> None:
    note = read(place)
    if note is not None:
        end_starters(note.id)
        tear_down(note, place)


def clear_engine(engine: Engine) -> None:
    """Remove the engine's own cgroup if no container exists, after a trial was swept."""
    with engine.database.transaction() as connection:
        if not containers.names(connection):
            cgroup.clear_engine(engine)
