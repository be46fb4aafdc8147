# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a container's log from systemd's journal, to which conmon writes it.

An entry is a line or a part of one. Its fields are CONTAINER_ID_FULL, PRIORITY (6 for stdout, 3 for stderr),
MESSAGE with its line end, and CONTAINER_PARTIAL_MESSAGE=true if the line continues in the stream's next
entry. Sources: conmon's ctr_logging.c, systemd's "Journal Export Formats" (JSON), journalctl(1).
"""

from __future__ import annotations

import os
import select
import stat
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Optional

from ..errors import CommandFailed, HostLacks, Setting, Words
from ..frozen import dataclass
from ..kernel import command
from ..model.values.jsontext import parse_object
from .logs import MOST, LogLine, in_streams, within

SOCKET = "/run/systemd/journal/socket"
_PROGRAM = "journalctl"
_FIELDS = "MESSAGE,PRIORITY,CONTAINER_PARTIAL_MESSAGE"
#: An error message that only a conmon built without journal support contains.
_WITHOUT = b"Include journald in compilation path"
#: Seconds by which a line's first part may precede its last when lines of a time range are requested.
_SLACK = 600
#: Seconds between a follower's checks whether the container has exited, while nothing is written.
_LOOK = 1.0
_SYNC_TIMEOUT = 30.0
_PIECE = 1 << 16


def check(conmon: str) -> None:
    """Check that conmon can write to the journal and that it can be read here; raises HostLacks."""
    remedy = Words("Set ", Setting("log_driver", "k8s-file"))
    if not _is_socket(SOCKET):
        raise HostLacks(
            f"log_driver: journald needs systemd-journald, which is not running on this host (no {SOCKET})",
            remedy=remedy,
            option="log_driver",
        )
    if command.find_program(_PROGRAM) is None:
        raise HostLacks(
            f"log_driver: journald needs {_PROGRAM}, which is not installed",
            remedy=remedy,
            option="log_driver",
            program=_PROGRAM,
        )
    with open(conmon, "rb") as file:
        if _WITHOUT in file.read():
            raise HostLacks(
                f"{conmon} was built without journal support",
                remedy=remedy,
                option="log_driver",
                program="conmon",
            )


@dataclass(frozen=True)
class JournalLog:
    """A container's log in the journal; the counterpart of ``logs.FileLog``."""

    container_id: str

    def read(
        self, *, tail: int | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[LogLine]:
        """Yield the records of the last ``tail`` lines, from ``since`` to ``until`` (ns)."""
        _sync()
        found = _entries(self.container_id, *_from(since)) if tail is None else self._last(tail)
        yield from within((entry.line for entry in found), since, until)

    def streams(self, *, since: int = 0, most: int = MOST) -> tuple[str, str]:
        """Return the output to stdout and stderr since a time (ns), only its last ``most`` bytes."""
        _sync()
        lines: list[LogLine] = []
        for entry in _entries(self.container_id, "--reverse", *_from(since)):
            lines.append(entry.line)
            most -= len(entry.line.text)
            if most < 0:
                break
        return in_streams(lines[::-1], since)

    def follow(
        self, ended: Callable[[], bool], *, tail: int | None = None, since: int | None = None
    ) -> Iterator[LogLine]:
        """Yield records as they are written, until ``ended()`` is true and all are read."""
        follower = _Follower(self.container_id, ended)
        first = _entries(self.container_id, *_from(since)) if tail is None else self._begin(tail, follower)
        yield from within(follower.lines(first), since, None)

    def _last(self, lines: int) -> list[_Entry]:
        """Return the entries of the last lines; a line logged in parts counts once."""
        found: list[_Entry] = []
        for entry in _entries(self.container_id, "--reverse"):
            lines -= int(not entry.line.partial or not found)
            if lines < 0:
                break
            found.append(entry)
        return found[::-1]

    def _begin(self, tail: int, follower: _Follower) -> list[_Entry]:
        newest = self._last(max(tail, 1))
        follower.cursor = newest[-1].cursor if newest else None
        return newest if tail else []


class _Entry(NamedTuple):
    line: LogLine
    cursor: str


class _Follower:
    """A reader that remembers the last entry it yielded, so that each is yielded once."""

    def __init__(self, container_id: str, ended: Callable[[], bool]) -> None:
        self.container_id, self.ended = container_id, ended
        self.cursor: Optional[str] = None

    def lines(self, first: Iterable[_Entry]) -> Iterator[LogLine]:
        yield from self._remember(first)
        while not self.ended():
            yield from self._remember(self._new_entries())
        _sync()  # what was written by then is read in this last round
        yield from self._remember(_entries(self.container_id, *self._after()))

    def _remember(self, entries: Iterable[_Entry]) -> Iterator[LogLine]:
        for entry in entries:
            self.cursor = entry.cursor
            yield entry.line

    def _after(self) -> list[str]:
        return [f"--after-cursor={self.cursor}"] if self.cursor else []

    def _new_entries(self) -> Iterator[_Entry]:
        """Yield entries as they are written, until there is none for a while."""
        with _running(self.container_id, "--follow", "--no-tail", *self._after()) as process:
            rest = b""
            while _can_be_read(process):
                piece = os.read(_output(process), _PIECE)
                if not piece:
                    time.sleep(_LOOK)  # journalctl has exited, for example because it was killed
                    return
                *whole, rest = (rest + piece).split(b"\n")
                yield from filter(None, map(_parse, whole))


def _entries(container_id: str, *options: str) -> Iterator[_Entry]:
    """Yield the container's entries, including those of earlier boots."""
    with _running(container_id, *options) as process:
        if process.stdout is None or process.stderr is None:
            raise OSError("journalctl was started without its pipes")
        yield from filter(None, map(_parse, process.stdout))
        said = process.stderr.read().decode("utf-8", "replace").strip()
        code = process.wait()
    if code != 0 and said:
        raise CommandFailed(f"{_PROGRAM} can't read the journal: {said}", program=_PROGRAM, returncode=code)


@contextmanager
def _running(container_id: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    program = command.find_program(_PROGRAM)
    if program is None:
        raise HostLacks(f"{_PROGRAM}, which reads the journal, is not installed", program=_PROGRAM)
    # --all: otherwise a message longer than 4096 bytes is null.
    argv = [program, "--quiet", "--all", "--no-pager", "--output=json", f"--output-fields={_FIELDS}"]
    with subprocess.Popen(
        [*argv, *options, f"CONTAINER_ID_FULL={container_id}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=command.ENVIRONMENT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()  # does nothing if it has exited


def _output(process: subprocess.Popen[bytes]) -> int:
    if process.stdout is None:
        raise OSError("journalctl was started without its pipes")
    return process.stdout.fileno()


def _can_be_read(process: subprocess.Popen[bytes]) -> bool:
    return bool(select.select([_output(process)], [], [], _LOOK)[0])


def _parse(raw: bytes) -> _Entry | None:
    """Return the entry, or None if the text is not an entry."""
    try:
        data = parse_object(raw)
        at = int(data["__REALTIME_TIMESTAMP"]) * 1000
    except (ValueError, KeyError, TypeError):
        return None
    partial = data.get("CONTAINER_PARTIAL_MESSAGE") == "true"
    text = _text(data.get("MESSAGE"))
    stream = "stderr" if data.get("PRIORITY") == "3" else "stdout"
    return _Entry(
        LogLine(at, stream, text if partial else text.removesuffix("\n"), partial), data["__CURSOR"]
    )


def _text(value: Any) -> str:
    """Return a field's text; in JSON, a value that is not plain text is a list of bytes."""
    if isinstance(value, list):
        return bytes(value).decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def _from(since: int | None) -> list[str]:
    return [f"--since=@{max(0, since // 10**9 - _SLACK)}"] if since else []


def _sync() -> None:
    """Wait until journald has written the entries that it has received; does nothing if it is not running."""
    command.run([_PROGRAM, "--sync"], timeout=_SYNC_TIMEOUT, check=False)


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except FileNotFoundError:
        return False
