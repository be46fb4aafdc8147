# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the log that conmon keeps of a container's output in systemd's journal.

An entry is a line or a part of one: CONTAINER_ID_FULL, PRIORITY (6 from stdout, 3 from stderr), MESSAGE with its line end, and
CONTAINER_PARTIAL_MESSAGE=true for a part that goes on in the next entry of the stream. Sources: conmon's ctr_logging.c,
systemd's "Journal Export Formats" (JSON), journalctl(1).
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
#: What a conmon says that was built without the journal; another does not hold these words.
_WITHOUT = b"Include journald in compilation path"
#: Seconds that a line's first part may be older than its last, where lines of a time are asked for.
_SLACK = 600
#: Seconds after which a follower looks whether the container has ended, when nothing is written.
_LOOK = 1.0
_SYNC_TIMEOUT = 30.0
_PIECE = 1 << 16


def check(conmon: str) -> None:
    """Raise HostLacks unless this host's conmon can write to a journal, and we can read it."""
    remedy = Words("Write ", Setting("log_driver", "k8s-file"))
    if not _is_socket(SOCKET):
        raise HostLacks(
            f"log_driver: journald needs systemd-journald, which does not run on this host (no {SOCKET})",
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
                f"{conmon} was built without the journal",
                remedy=remedy,
                option="log_driver",
                program="conmon",
            )


@dataclass(frozen=True)
class JournalLog:
    """The log of a container; as ``logs.FileLog``."""

    container_id: str

    def read(
        self, *, tail: int | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[LogLine]:
        """Yield the records: of the last ``tail`` lines those from ``since`` to ``until`` (ns)."""
        _sync()
        found = _entries(self.container_id, *_from(since)) if tail is None else self._last(tail)
        yield from within((entry.line for entry in found), since, until)

    def streams(self, *, since: int = 0, most: int = MOST) -> tuple[str, str]:
        """Return what was written to stdout and to stderr since then (ns); above ``most`` bytes the end of it."""
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
        """Yield records as they come, until ``ended()`` is true and all is read."""
        follower = _Follower(self.container_id, ended)
        first = _entries(self.container_id, *_from(since)) if tail is None else self._begin(tail, follower)
        yield from within(follower.lines(first), since, None)

    def _last(self, lines: int) -> list[_Entry]:
        """Return the entries of the last lines; one that was logged in parts counts once."""
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
    """Knows the last entry that it has given, so that each comes once, whoever reads it."""

    def __init__(self, container_id: str, ended: Callable[[], bool]) -> None:
        self.container_id, self.ended = container_id, ended
        self.cursor: Optional[str] = None

    def lines(self, first: Iterable[_Entry]) -> Iterator[LogLine]:
        yield from self._note(first)
        while not self.ended():
            yield from self._note(self._come())
        _sync()  # what was written until then is read in this last round
        yield from self._note(_entries(self.container_id, *self._after()))

    def _note(self, entries: Iterable[_Entry]) -> Iterator[LogLine]:
        for entry in entries:
            self.cursor = entry.cursor
            yield entry.line

    def _after(self) -> list[str]:
        return [f"--after-cursor={self.cursor}"] if self.cursor else []

    def _come(self) -> Iterator[_Entry]:
        """Yield entries as they are written, until none came for a while."""
        with _running(self.container_id, "--follow", "--no-tail", *self._after()) as process:
            rest = b""
            while _can_be_read(process):
                piece = os.read(_output(process), _PIECE)
                if not piece:
                    time.sleep(_LOOK)  # it has ended, as a journalctl that somebody killed
                    return
                *whole, rest = (rest + piece).split(b"\n")
                yield from filter(None, map(_parse, whole))


def _entries(container_id: str, *options: str) -> Iterator[_Entry]:
    """Yield the container's entries, those of earlier boots too."""
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
        raise HostLacks(f"{_PROGRAM} is not installed, which reads the journal", program=_PROGRAM)
    # --all: else a message above 4096 bytes is null.
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
            process.kill()  # does nothing to a program that has ended


def _output(process: subprocess.Popen[bytes]) -> int:
    if process.stdout is None:
        raise OSError("journalctl was started without its pipes")
    return process.stdout.fileno()


def _can_be_read(process: subprocess.Popen[bytes]) -> bool:
    return bool(select.select([_output(process)], [], [], _LOOK)[0])


def _parse(raw: bytes) -> _Entry | None:
    """Return the entry, None for what is none."""
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
    """Return a field's text: JSON has what is no plain text as a list of its bytes."""
    if isinstance(value, list):
        return bytes(value).decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def _from(since: int | None) -> list[str]:
    return [f"--since=@{max(0, since // 10**9 - _SLACK)}"] if since else []


def _sync() -> None:
    """Have journald write what it has been told until now; where it does not run there is nothing to wait for."""
    command.run([_PROGRAM, "--sync"], timeout=_SYNC_TIMEOUT, check=False)


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except FileNotFoundError:
        return False
