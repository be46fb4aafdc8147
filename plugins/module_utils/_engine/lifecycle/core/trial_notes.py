# SPDX-License-Identifier: GPL-3.0-or-later
"""The note in a trial's directory of what it has on the host, so that a killed trial can be cleaned up.

Trials: lifecycle/converge/trial.py.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import NamedTuple

from ...model.engine.layout import Layout

_NAME = "trial.json"
#: Bytes; a note is small, and a larger file is not one.
_LIMIT = 64 * 1024


class Note(NamedTuple):
    """A trial: its id for the runtime, the runtime's path, its cgroup ("" for none)."""

    id: str
    runtime: str
    cgroup: str


def write(place: str, note: Note) -> None:
    """Write the note, before anything is created outside the directory."""
    with open(f"{place}/{_NAME}", "w", encoding="utf-8") as stream:
        json.dump(note, stream)


def read(place: str) -> Note | None:
    """Return the note, None if the trial was killed before writing it: nothing was created then."""
    try:
        with open(f"{place}/{_NAME}", encoding="utf-8") as stream:
            return Note(*json.loads(stream.read(_LIMIT)))
    except (OSError, ValueError, TypeError):
        return None


def ids(layout: Layout) -> set[str]:
    """Return the ids of all trials, which are not containers."""
    with suppress(FileNotFoundError):
        notes = [read(f"{layout.trials}/{name}") for name in os.listdir(layout.trials)]
        return {note.id for note in notes if note is not None}
    return set()
