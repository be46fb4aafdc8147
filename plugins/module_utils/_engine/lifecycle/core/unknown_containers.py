# SPDX-License-Identifier: GPL-3.0-or-later
"""Find containers that live and that the database does not know: it was lost, or is of another time than the run root.

What tells it are facts alone: the OCI runtime's own notes of a process, with its start time; and, where the run root was lost
with the database, the engine's cgroup and mounts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from ...errors import StateIncomplete
from ...kernel import mountinfo, procstat
from ...kernel.cgroup import cgroups
from ...kernel.process import Process
from ...model.engine.layout import Layout
from ...model.values.names import is_full_id
from ...state import containers
from ...state.failures import rebuild_command
from .engine import Engine

#: Where crun and runc keep a container's first process, below their root: the file, its pid, its start time.
_NOTES = (
    ("status", "pid", "process-start-time"),
    ("state.json", "init_process_pid", "init_process_start"),
)
_LIMIT = 4 * 1024 * 1024


class Stranger(NamedTuple):
    """A container that lives without a row."""

    id: str
    name: str
    pid: int

    @property
    def label(self) -> str:
        """Return how it is called in a text."""
        return f"{self.name or 'a container'} ({self.id[:12]}, process {self.pid})"


def refuse(engine: Engine, *, wide: bool) -> None:
    """Raise StateIncomplete when containers live that the database does not know."""
    found = strangers(engine, wide=wide)
    if found:
        raise incomplete(engine, found)


def incomplete(engine: Engine, found: Iterable[Stranger]) -> StateIncomplete:
    """Return the error that names them."""
    found = tuple(found)
    path = engine.layout.database
    return StateIncomplete(
        f"the database {path} does not know {', '.join(one.label for one in found)}, which live"
        f"{'s' if len(found) == 1 else ''} with the run root {engine.layout.run_root}: it was lost or put back from another "
        "time, or another root uses that run root",
        remedy="Where they are of another root, give each root a run_root of its own. Else "
        f"{rebuild_command(path)} takes them up from what lies beside them (--dry-run tells what it would do); if an "
        "older database is to be put back, stop them "
        "first. Nothing was changed",
        path=path,
        containers=[{"id": one.id, "name": one.name, "pid": one.pid} for one in found],
    )


def strangers(engine: Engine, *, wide: bool = False) -> tuple[Stranger, ...]:
    """Return them, by id; ``wide`` asks the kernel too, for what the run root does not know any more.

    The directories are read first: a container's row comes before them and goes after them.
    """
    layout = engine.layout
    seen = {*ids_below(layout.runtime_root), *ids_below(layout.run_containers)}
    if wide:
        from .trial_notes import ids as trials  # once for each boot

        seen |= {*_ids_of_cgroups(layout), *_ids_of_mounts(layout)} - trials(layout)
    with engine.database.reading() as connection:
        known = {*containers.names(connection).values()}
    found = ((one, living(layout, one)) for one in sorted(seen - known))
    return tuple(Stranger(one, name_of(layout, one), process.pid) for one, process in found if process)


def ids_below(path: str) -> Iterator[str]:
    """Yield the ids of containers that a directory has entries of."""
    with suppress(FileNotFoundError, NotADirectoryError):
        yield from (name for name in os.listdir(path) if is_full_id(name))


def living(layout: Layout, container_id: str) -> Process | None:
    """Return the container's first process by the facts, None when it does not live."""
    return noted(layout.runtime_root, container_id) or _in_cgroup(layout, container_id)


def noted(runtime_root: str, container_id: str) -> Process | None:
    """Return the living process that the OCI runtime has noted of a container."""
    for name, pid_key, start_key in _NOTES:
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            with open(f"{runtime_root}/{container_id}/{name}", "rb") as stream:
                note = json.loads(stream.read(_LIMIT))
            process = Process(int(note[pid_key]), int(note[start_key]))
            if process.alive():
                return process
    return None


def _in_cgroup(layout: Layout, container_id: str) -> Process | None:
    """Return a process of the container's cgroup; the oldest is the first one as a rule."""
    with suppress(OSError):
        found = filter(None, map(Process.of, cgroups.processes(layout.cgroup(container_id))))
        return min(found, key=lambda process: process.start_time, default=None)
    return None


def _ids_of_cgroups(layout: Layout) -> Iterator[str]:
    for place in cgroups.directories(layout.cgroup_parent):
        yield from ids_below(place)


def _ids_of_mounts(layout: Layout) -> Iterator[str]:
    top = os.path.realpath(layout.containers)
    for entry in mountinfo.below(top):
        name = entry.target.removeprefix(f"{top}/").partition("/")[0]
        if is_full_id(name):
            yield name


def name_of(layout: Layout, container_id: str) -> str:
    """Return a container's name as what lies beside it tells, else its monitor; "" where neither does."""
    from .sidecars import read_container  # rare

    record = read_container(layout, container_id)
    if record is not None:
        return record.name
    with suppress(OSError, ValueError, IndexError):
        with open(layout.container(container_id).conmon_pid_file, encoding="ascii") as stream:
            words = procstat.read(int(stream.read(32)), "cmdline").split(b"\0")
        return os.fsdecode(words[words.index(b"--name") + 1])
    return ""
