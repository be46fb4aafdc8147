# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command in a container on a terminal of its own, where the caller has none (``tty`` of a task)."""

from __future__ import annotations

import errno
import os
import select
import subprocess
import time
import tty
from contextlib import suppress

from ...errors import CommandTimeout
from ...kernel import command
from ..oci import OciRuntime
from . import execs
from .execs import ExecFiles, Executed

_STEP = 1 << 16
#: What ends the input on a terminal: Ctrl-D at the start of a line (termios(3), VEOF).
_END = b"\x04"
_POLL = 0.05


def run_in_terminal(
    runtime: OciRuntime, files: ExecFiles, container_id: str, *, stdin: bytes, timeout: float | None
) -> Executed:
    """Run it; what it writes to either stream comes as ``stdout``, with line ends as a terminal has them.

    Raises CommandTimeout and RuntimeFailed as ``execs.run`` does.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    master, slave = os.openpty()
    # The container's own terminal knows lines, echo and Ctrl-D; this one only hands on.
    tty.setraw(slave)
    try:
        with subprocess.Popen(
            execs.arguments(runtime, container_id, files),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=command.ENVIRONMENT,
            start_new_session=True,
        ) as process:
            os.close(slave)
            slave = -1
            try:
                said = _attend(process, master, stdin + _END, deadline)
            except BaseException:  # also at an interrupt: a command does not outlive its task
                execs.end(files)
                process.kill()
                raise
    finally:
        os.close(master)
        if slave >= 0:
            os.close(slave)
    execs.check(runtime, container_id, files, process.returncode)
    return Executed(process.returncode, said)


def _attend(process: subprocess.Popen[bytes], master: int, unsent: bytes, deadline: float | None) -> bytes:
    said = bytearray()
    while process.poll() is None or select.select([master], [], [], 0)[0]:
        if deadline is not None and time.monotonic() > deadline:
            raise CommandTimeout(
                "the command did not end in time and was killed",
                remedy="Write a longer timeout, or see what it waits for",
            )
        readable, writable, _ignored = select.select([master], [master] if unsent else [], [], _POLL)
        if writable:
            unsent = unsent[os.write(master, unsent[:256]) :]  # no more than a terminal's line takes
        if readable and not _receive(master, said):
            break
    process.wait()
    return bytes(said)


def _receive(master: int, said: bytearray) -> bool:
    """Read a piece; False when nobody has the other end any more, which a terminal tells as EIO (pty(7))."""
    piece = b""
    with suppress(OSError):
        try:
            piece = os.read(master, _STEP)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
    said += piece[: command.OUTPUT_LIMIT - len(said)]
    return bool(piece)
