# SPDX-License-Identifier: GPL-3.0-or-later
"""Find, empty and remove cgroups; source: cgroups(7).

A path is relative to the root of each hierarchy: ``/slipway/ID``. There is one hierarchy on v2, one for each
set of controllers on v1, and on a hybrid host these plus a v2 hierarchy without controllers.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Optional

from ...errors import HostLacks
from .. import mountinfo
from ..process import Process

#: The controllers that every container uses; the hierarchy that has them is the one with the limits.
_CONTROLLERS = frozenset({"cpu", "memory", "pids"})

#: Seconds that a killed process may take to leave its cgroup; one that hangs in the kernel never does.
_KILL_PATIENCE = 10.0

#: Seconds that a cgroup may stay busy after its last process has exited.
_REMOVE_PATIENCE = 2.0

#: Seconds that freezing may take; a process that hangs in the kernel is never frozen.
_FREEZE_PATIENCE = 0.1

_PAUSE = 0.01


def version() -> str:
    """Return the layout of this host: ``v1``, ``hybrid`` or ``v2``; raises HostLacks without cgroups."""
    found = hierarchies()
    kinds = {entry.fstype for entry in found}
    if not kinds:
        raise HostLacks(
            "no cgroup file system is mounted", remedy="Mount cgroup2 on /sys/fs/cgroup", feature="cgroups"
        )
    first = {word for entry in found if entry.fstype == "cgroup" for word in entry.super_options.split(",")}
    # A v2 host may also have a v1 hierarchy (net_cls for a VPN): the location of the controllers decides.
    if not first & _CONTROLLERS and "cgroup2" in kinds:
        return "v2"
    return "hybrid" if "cgroup2" in kinds else "v1"


def exists(path: str) -> bool:
    """Return whether the cgroup exists in any hierarchy."""
    return bool(directories(path))


def is_file(path: str) -> bool:
    """Return whether the path, or a part of it, is a file in any hierarchy, or would be if created."""
    _refuse_root(path)
    return any(_has_file(entry.target, path) for entry in hierarchies())


def _has_file(top: str, path: str) -> bool:
    at: Optional[str] = top
    for name in path.split("/")[1:]:
        if at is None or os.path.isfile(f"{at}/{name}"):
            return at is not None
        # A missing cgroup will have the same files as any other cgroup.
        at = f"{at}/{name}" if os.path.isdir(f"{at}/{name}") else _any_below(top)
    return False


def _any_below(top: str) -> Optional[str]:
    with os.scandir(top) as entries:
        return next((entry.path for entry in entries if entry.is_dir(follow_symlinks=False)), None)


def processes(path: str) -> tuple[int, ...]:
    """Return the PIDs in the cgroup and below, from all hierarchies, each once."""
    return tuple(
        sorted({pid for top in directories(path) for group in _tree(top) for pid in processes_of(group)})
    )


def kill_all(path: str) -> None:
    """Kill all processes in the cgroup and below, and wait until it is empty; it need not exist.

    Returns after some seconds even if a process hangs in the kernel; ``remove`` then fails.
    """
    deadline = time.monotonic() + _KILL_PATIENCE
    while processes(path):
        _kill(path)
        if time.monotonic() > deadline:
            return
        time.sleep(_PAUSE)


def remove(path: str) -> None:
    """Remove the cgroup and all below it from every hierarchy; do nothing if it does not exist.

    A cgroup is busy for a moment after its last process has exited. Raises OSError (EBUSY) if it remains
    busy.
    """
    deadline = time.monotonic() + _REMOVE_PATIENCE
    for place in [place for top in directories(path) for place in _tree(top)]:
        while not _rmdir(place, errno.EBUSY):
            if time.monotonic() > deadline:
                raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), place)
            time.sleep(_PAUSE)


def remove_empty(path: str) -> None:
    """Remove the cgroup from every hierarchy in which it contains neither processes nor cgroups."""
    for top in directories(path):
        _rmdir(top, errno.EBUSY, errno.ENOTEMPTY)


def oom_kills(path: str) -> Optional[int]:
    """Return the number of processes in the cgroup that the OOM killer killed; None if it is unknown."""
    for top in directories(path):
        # v2, and v1; the latter has the line since Linux 4.13.
        for name in ("memory.events", "memory.oom_control"):
            counters = dict(line.split() for line in _read(f"{top}/{name}").splitlines())
            if "oom_kill" in counters:
                return int(counters["oom_kill"])
    return None


def named(name: str) -> Optional[str]:
    """Return the mount point of the named cgroup v1 hierarchy, or None if it is not mounted."""
    word = f"name={name}"
    return next((entry.target for entry in hierarchies() if word in entry.super_options.split(",")), None)


def hierarchies() -> list[mountinfo.MountEntry]:
    """Return the first mount of each hierarchy; later ones are bind mounts for containers."""
    found: dict[str, mountinfo.MountEntry] = {}
    for entry in mountinfo.read(" - cgroup"):
        if entry.fstype in ("cgroup", "cgroup2"):
            found.setdefault(entry.device, entry)
    return list(found.values())


def directories(path: str) -> list[str]:
    """Return the cgroup's directories, one for each hierarchy that has it."""
    _refuse_root(path)
    places = (entry.target + path for entry in hierarchies())
    return [place for place in places if os.path.isdir(place)]


def _refuse_root(path: str) -> None:
    """Raise ValueError for a path that is, or may lead to, the root cgroup, which contains the whole host."""
    # Check the components: os.path.normpath keeps "//", which is also the root.
    first, *names = path.split("/")
    if first or not names or any(name in ("", ".", "..") for name in names):
        raise ValueError(f"{path!r} is not the path of a cgroup below the root")


def _tree(top: str) -> Iterator[str]:
    """Yield the directories of the cgroup and of those below it, deepest first."""
    for place, _ignored, _ignored in os.walk(top, topdown=False):
        yield place


def _rmdir(place: str, *refusals: int) -> bool:
    """Remove one cgroup; return False if that fails with one of the errors ``refusals`` (errno)."""
    try:
        os.rmdir(place)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno not in refusals:
            raise
        return False
    return True


def _kill(path: str) -> None:
    for top in directories(path):
        # Linux 5.14, v2: atomic for the whole tree, so that no fork escapes.
        _write(f"{top}/cgroup.kill", "1")
    with _frozen(path):
        for process in map(Process.of, processes(path)):
            if process is not None:
                process.signal(signal.SIGKILL)


@contextmanager
def _frozen(path: str) -> Iterator[None]:
    """Freeze what ``cgroup.kill`` left (older kernels, v1), so that none forks while PIDs are read.

    They are always thawed at the end, even if they were frozen before: on v1 a frozen (paused) process dies
    only then.
    """
    tops = directories(path) if processes(path) else []
    for top in tops:
        _write(f"{top}/freezer.state", "FROZEN")
        _write(f"{top}/cgroup.freeze", "1")
    deadline = time.monotonic() + _FREEZE_PATIENCE
    while any(_is_freezing(top) for top in tops) and time.monotonic() < deadline:
        time.sleep(_PAUSE / 10)
    try:
        yield
    finally:
        for place in [place for top in tops for place in _tree(top)]:
            _write(f"{place}/freezer.state", "THAWED")
            _write(f"{place}/cgroup.freeze", "0")


def _is_freezing(top: str) -> bool:
    """Return whether some of the cgroup's processes still run after a request to freeze."""
    if _read(f"{top}/freezer.state").strip() == "FREEZING":
        return True
    return bool(_read(f"{top}/cgroup.freeze").strip() == "1" and "frozen 0" in _read(f"{top}/cgroup.events"))


def processes_of(place: str) -> list[int]:
    """Return the PIDs in the cgroup with this directory, without those below."""
    # 0 is a process outside of our PID namespace.
    return [pid for pid in map(int, _read(f"{place}/cgroup.procs").split()) if pid > 0]


def _read(file: str) -> str:
    try:
        with open(file, encoding="ascii") as stream:
            return stream.read()
    except OSError as error:
        # Removed meanwhile, or a threaded cgroup, whose processes are listed by its parent.
        if error.errno not in (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP):
            raise
        return ""


def _write(file: str, text: str) -> None:
    """Write to a control file; ignore a missing file or cgroup, and an error of the write."""
    with suppress(FileNotFoundError):
        fd = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
        try:
            with suppress(OSError):
                os.write(fd, text.encode("ascii"))
        finally:
            os.close(fd)
