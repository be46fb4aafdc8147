# SPDX-License-Identifier: GPL-3.0-or-later
"""Find living containers that the database does not know, because it was lost or restored from another time.

Only facts count: the OCI runtime's own state of a process, with its start time; and, if the run root was lost with the
database, the engine's cgroup and mounts.
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

#: Where crun and runc record a container's first process, below their root: file, key of the pid, key of the start time.
_NOTES = (
    ("status", "pid", "process-start-time"),
    ("state.json", "init_process_pid", "init_process_start"),
)
_LIMIT = 4 * 1024 * 1024


class Stranger(NamedTuple):
    """A living container without a row."""

    id: str
    name: str
    pid: int

    @property
    def label(self) -> str:
        """Return the container's description for messages."""
        return f"{self.name or 'a container'} ({self.id[:12]}, process {self.pid})"


def refuse(engine: Engine, *, wide: bool) -> None:
    """Raise StateIncomplete if living containers are missing in the database."""
    found = strangers(engine, wide=wide)
    if found:
        raise incomplete(engine, found)


def incomplete(engine: Engine, found: Iterable[Stranger]) -> StateIncomplete:
    """Return the error that lists these containers."""
    found = tuple(found)
    path = engine.layout.database
    return StateIncomplete(
        f"the database {path} does not know {', '.join(one.label for one in found)}, which run"
        f"{'s' if len(found) == 1 else ''} under the run root {engine.layout.run_root}: it was lost or restored from another "
        "time, or another root uses that run root",
        remedy="If they belong to another root, give each root a run_root of its own. Otherwise "
        f"{rebuild_command(path)} adopts them by their sidecar files (--dry-run shows what it would do); before you "
        "restore an older database, stop them. "
        "Nothing was changed",
        path=path,
        containers=[{"id": one.id, "name": one.name, "pid": one.pid} for one in found],
    )


def strangers(engine: Engine, *, wide: bool = False) -> tuple[Stranger, ...]:
    """Return the living containers without a row, by id; ``wide`` also asks the kernel, for a lost run root.

    The directories are read first: a container's row is inserted before they are created and deleted after them.
    """
    layout = engine.layout
    seen = {*ids_below(layout.runtime_root), *ids_below(layout.run_containers)}
    if wide:
        from .trial_notes import ids as trials  # needed once per boot

        seen |= {*_ids_of_cgroups(layout), *_ids_of_mounts(layout)} - trials(layout)
    with engine.database.reading() as connection:
        known = {*containers.names(connection).values()}
    found = ((one, living(layout, one)) for one in sorted(seen - known))
    return tuple(Stranger(one, name_of(layout, one), process.pid) for one, process in found if process)


def ids_below(path: str) -> Iterator[str]:
    """Yield the container ids among a directory's entries."""
    with suppress(FileNotFoundError, NotADirectoryError):
        yield from (name for name in os.listdir(path) if is_full_id(name))


def living(layout: Layout, container_id: str) -> Process | None:
    """Return the container's first process by the facts, None if it is not alive."""
    return noted(layout.runtime_root, container_id) or _in_cgroup(layout, container_id)


def noted(runtime_root: str, container_id: str) -> Process | None:
    """Return the living process that the OCI runtime recorded for a container."""
    for name, pid_key, start_key in _NOTES:
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            with open(f"{runtime_root}/{container_id}/{name}", "rb") as stream:
                note = json.loads(stream.read(_LIMIT))
            process = Process(int(note[pid_key]), int(note[start_key]))
            if process.alive():
                return process
    return None


def _in_cgroup(layout: Layout, container_id: str) -> Process | None:
    """Return the oldest process of the container's cgroup, usually its first one."""
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
    """Return a container's name from its sidecar, or else from its monitor's arguments; "" if unknown."""
    from .sidecars import read_container  # rare

    record = read_container(layout, container_id)
    if record is not None:
        return record.name
    with suppress(OSError, ValueError, IndexError):
        with open(layout.container(container_id).conmon_pid_file, encoding="ascii") as stream:
            words = procstat.read(int(stream.read(32)), "cmdline").split(b"\0")
        return os.fsdecode(words[words.index(b"--name") + 1])
    return ""
