# SPDX-License-Identifier: GPL-3.0-or-later
"""Note in a trial's directory what the trial (lifecycle/converge/trial.py) has on the host, for whoever finds it after a kill."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import NamedTuple

from ...model.engine.layout import Layout

_NAME = "trial.json"
#: A note is small; what is larger is none.
_LIMIT = 64 * 1024


class Note(NamedTuple):
    """A trial: the id that the runtime knows it by, the runtime's path, its cgroup ("" for none)."""

    id: str
    runtime: str
    cgroup: str


def write(place: str, note: Note) -> None:
    """Write the note, before anything is made that the directory does not hold."""
    with open(f"{place}/{_NAME}", "w", encoding="utf-8") as stream:
        json.dump(note, stream)


def read(place: str) -> Note | None:
    """Return the note, None where the trial was killed before it was written: nothing was made then."""
    try:
        with open(f"{place}/{_NAME}", encoding="utf-8") as stream:
            return Note(*json.loads(stream.read(_LIMIT)))
    except (OSError, ValueError, TypeError):
        return None


def ids(layout: Layout) -> set[str]:
    """Return the ids of all trials, which are no containers."""
    with suppress(FileNotFoundError):
        notes = [read(f"{layout.trials}/{name}") for name in os.listdir(layout.trials)]
        return {note.id for note in notes if note is not None}
    return set()
