# SPDX-License-Identifier: GPL-3.0-or-later
"""List a container's processes (podman-top(1)) from the host's /proc; the container needs no program."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

from ...errors import WrongState
from ...frozen import dataclass
from ...kernel import procstat
from ...kernel.cgroup import cgroups
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ..core.container_users import resolved
from ..core.engine import Engine
from ..core.facts import observe

#: The device number of the first pseudo terminal (Linux, Documentation/admin-guide/devices.txt: 136 to 143).
_PTS_MAJOR = range(136, 144)
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Running:
    """A process as its container sees it, ``host_pid`` and ``host_user`` as the host does. Times: seconds."""

    pid: int
    ppid: int
    host_pid: int
    user: str
    host_user: int
    state: str
    name: str
    arguments: str
    terminal: str
    elapsed: float
    cpu: float
    size: int
    resident: int
    nice: int


def processes(engine: Engine, record: ContainerRecord) -> list[Running]:
    """Return the processes, in order of their pids in the container. Raises WrongState unless it runs."""
    record = observe(engine, record)
    if record.status not in (status.RUNNING, status.PAUSED) or record.process is None:
        raise WrongState(
            f"container {record.name} is not running, so it has no processes",
            remedy="Start it first",
            name=record.name,
            status=record.status,
        )
    pids = cgroups.processes(record.cgroup) if record.cgroup else _of_namespace(record.process.pid)
    return _Looker(record, record.process.pid).look(pids)


def _of_namespace(pid: int) -> list[int]:
    """Return the processes of a container without a cgroup: those in its pid namespace."""
    own = _namespace(pid)
    return [other for other in map(int, filter(str.isdigit, os.listdir("/proc"))) if _namespace(other) == own]


def _namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _status(pid: int) -> dict[str, str]:
    text = procstat.read(pid, "status").decode("utf-8", "replace")
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, _colon, value in pairs}


def _last(text: str) -> int:
    """Return the pid in the innermost pid namespace (proc_pid_status(5), NSpid)."""
    return int(text.rsplit(maxsplit=1)[-1]) if text else 0


class _Looker:
    """A reader of one container's processes; its accounts are read through its main process ``pid``."""

    def __init__(self, record: ContainerRecord, pid: int) -> None:
        self._back = record.mapping.inverse() if record.mapping else None
        self._pid = pid
        self._names: dict[int, str] = {}

    def look(self, pids: Iterable[int]) -> list[Running]:
        table = {pid: _status(pid) for pid in pids}
        inner = {pid: _last(fields.get("NSpid", "")) for pid, fields in table.items()}
        found = (self._running(pid, fields, inner) for pid, fields in table.items() if fields)
        return sorted(filter(None, found), key=lambda one: one.pid)

    def _running(self, pid: int, fields: dict[str, str], inner: dict[int, int]) -> Running | None:
        stat = procstat.stat(pid)
        if len(stat) < 22:  # it has exited meanwhile
            return None
        uid = int(fields["Uid"].split()[1])
        words = procstat.read(pid, "cmdline").rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
        return Running(
            pid=inner[pid],
            ppid=inner.get(int(stat[1]), 0),
            host_pid=pid,
            user=self._user(uid),
            host_user=uid,
            state=stat[0],
            name=fields["Name"],
            arguments=words or f"[{fields['Name']}]",
            terminal=_terminal(int(stat[4])),
            elapsed=max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - procstat.start_time(stat) / _TICKS),
            cpu=(int(stat[11]) + int(stat[12])) / _TICKS,
            size=int(stat[20]),
            resident=int(stat[21]) * os.sysconf("SC_PAGE_SIZE"),
            nice=int(stat[16]),
        )

    def _user(self, uid: int) -> str:
        if uid not in self._names:
            own = self._back.host(uid, 0)[0] if self._back else uid
            self._names[uid] = resolved(self._pid, str(own), ()).name or str(own)
        return self._names[uid]


def _terminal(number: int) -> str:
    # tty_nr (proc_pid_stat(5)): the minor number in bits 31 to 20 and 7 to 0.
    major, minor = number >> 8 & 0xFFF, number & 0xFF | number >> 12 & 0xFFF00
    return f"pts/{minor}" if major in _PTS_MAJOR else f"{major}:{minor}" if number else "?"
