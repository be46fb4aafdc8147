# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command in a container on a new terminal, for callers without one (``tty`` of a task)."""

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
#: End of input on a terminal: Ctrl-D at the start of a line (termios(3), VEOF).
_END = b"\x04"
_POLL = 0.05


def run_in_terminal(
    runtime: OciRuntime, files: ExecFiles, container_id: str, *, stdin: bytes, timeout: float | None
) -> Executed:
    """Run the command; return both of its streams as ``stdout``, with a terminal's line endings.

    Raises CommandTimeout and RuntimeFailed as ``run.run`` does.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    master, slave = os.openpty()
    # The container's own terminal handles lines, echo and Ctrl-D; this one only passes bytes through.
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
            except BaseException:  # also on an interrupt: a command must not outlive its task
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
                "the command did not exit in time and was killed",
                remedy="Increase the timeout, or find out what the command waits for",
            )
        readable, writable, _ignored = select.select([master], [master] if unsent else [], [], _POLL)
        if writable:
            unsent = unsent[os.write(master, unsent[:256]) :]  # no more than a terminal's line can hold
        if readable and not _receive(master, said):
            break
    process.wait()
    return bytes(said)


def _receive(master: int, said: bytearray) -> bool:
    """Read a chunk; return False once the other end is closed, which a terminal reports as EIO (pty(7))."""
    piece = b""
    with suppress(OSError):
        try:
            piece = os.read(master, _STEP)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
    said += piece[: command.OUTPUT_LIMIT - len(said)]
    return bool(piece)
