# SPDX-License-Identifier: GPL-3.0-or-later
"""A command in a container as a child of ours, which the OCI runtime starts and leaves to us.

A runtime that stays waits until nobody holds the command's output any more (runc), a child that the command has left in the
background too. So it is told to go (``--detach``), and we adopt the command: its end is its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import IO, Optional

from ...kernel import command, procstat
from ...kernel.process import Process, signal_tree, stop, stop_tree
from ...kernel.reaper import exit_code
from ..oci import OciRuntime
from . import execs
from .execs import ExecFiles

#: Seconds for what was killed to be gone.
_GONE = 5.0
#: Seconds between two looks whether somebody wants the end of what is being started.
_LOOK = 0.2
#: Likewise, for what takes less than a millisecond.
_SOON = 0.001


class ExecChild:
    """The runtime, then the command; used as a subprocess.Popen is. Whoever makes one adopts (kernel.reaper)."""

    def __init__(
        self,
        runtime: OciRuntime,
        container_id: str,
        files: ExecFiles,
        *,
        stdin: bool = True,
        stderr: int = subprocess.PIPE,
    ) -> None:
        self.runtime = runtime
        self.container_id = container_id
        self.files = files
        self.returncode: Optional[int] = None
        self._pid = 0
        self._asked: Optional[tuple[int, float]] = None
        self._runtime = subprocess.Popen(  # pylint: disable=consider-using-with
            execs.arguments(runtime, container_id, files, detach=True),
            stdin=subprocess.PIPE,  # also where nothing is to be read: crun gives /dev/null to the command's user
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=command.ENVIRONMENT,
            bufsize=0,
            start_new_session=True,  # a process group of its own, to be killed as one
        )
        if not stdin and self._runtime.stdin is not None:
            self._runtime.stdin.close()
            self._runtime.stdin = None

    @property
    def stdin(self) -> Optional[IO[bytes]]:
        """Return the pipe to the command."""
        return self._runtime.stdin

    @property
    def stdout(self) -> Optional[IO[bytes]]:
        """Return the pipe of the command's output."""
        return self._runtime.stdout

    @property
    def stderr(self) -> Optional[IO[bytes]]:
        """Return the pipe of the command's errors."""
        return self._runtime.stderr

    def poll(self) -> Optional[int]:
        """Return the exit code, the runtime's where the command never began; None while either runs."""
        if self.returncode is None and self._began():
            self.returncode = exit_code(self._pid, os.WNOHANG)
        return self.returncode

    def wait(self, timeout: Optional[float] = None) -> int:
        """Wait for the exit code; raises subprocess.TimeoutExpired."""
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        self._runtime.wait(timeout)
        while (code := self.poll()) is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(self.files.directory, timeout or 0.0)
            if process := Process.of(self._pid):
                process.wait_gone(left)
        return code

    @property
    def pids(self) -> Optional[set[int]]:
        """The children of ours that it is: whoever reaps others leaves them alone.

        None while the runtime runs: the command may be our child already (crun's is, before crun ends), with a pid that
        cannot be known yet.
        """
        return {self._runtime.pid, self._pid} if self._began() or self.returncode is not None else None

    def send_signal(self, signum: int) -> None:
        """Send it to the command and to all that hangs below it: a shell that ends would else leave what it waits for.

        A signal that comes while the runtime starts the command is sent when the command is there: a runtime that gets it may
        end, and leave the command that it has begun.
        """
        if self.poll() is not None:
            return
        if not self._pid or self._is_runtimes():
            self._asked = signum, time.monotonic()
            return
        first = Process.of(self._pid)
        if first is None:
            return
        stop((first,))  # it starts nothing more until all below it have the signal
        signal_tree(self._pid, signum)
        deadline = time.monotonic() + _GONE
        while True:
            first.signal(signum)
            first.signal(signal.SIGCONT)
            # What neither catches nor ignores it ends of it. One that does not has lost it, in its runtime's last moment.
            if first.handles(signum) or first.wait_gone(_LOOK) or time.monotonic() > deadline:
                return

    def _until_it_began(self) -> None:
        """Wait for the runtime; one that hangs while somebody wants the end is killed, with what it has begun."""
        starter = Process.of(self._runtime.pid)
        while starter is not None and not starter.wait_gone(_LOOK):
            if self._asked and time.monotonic() - self._asked[1] > _GONE:
                self.kill()
        self._runtime.wait()
        if not self._began():
            return
        deadline = time.monotonic() + _GONE
        while self._is_runtimes() and time.monotonic() < deadline:
            time.sleep(_SOON)
        if self._asked:
            self.send_signal(self._asked[0])

    def _is_runtimes(self) -> bool:
        """Return whether the command is still runc's own program, which loses a signal that comes just before its execve(2)."""
        return procstat.read(self._pid, "comm").startswith(b"runc:[")

    def watched(self) -> Optional[int]:
        """Wait until it was started, and return a descriptor that can be read once it has ended; None where there is none."""
        self._until_it_began()
        try:
            return os.pidfd_open(self._pid) if self._began() else None
        except (AttributeError, OSError):
            return None

    def take_pipes(self) -> tuple[int, int, Optional[int]]:
        """Return its standard output, error and input, which are the caller's from now on."""
        found = [os.dup(pipe.fileno()) if pipe else -1 for pipe in (self.stdout, self.stderr, self.stdin)]
        self.close()
        return found[0], found[1], found[2] if self.stdin else None

    def kill(self) -> None:
        """Kill the runtime, the command and all that it started and that still hangs below it."""
        if self._runtime.poll() is None:
            # What runc has put into the container leads a session of its own, and may wait there (for /etc/passwd).
            below = stop_tree(self._runtime.pid)
            with suppress(ProcessLookupError):
                os.killpg(self._runtime.pid, signal.SIGKILL)
            for one in below:
                one.signal(signal.SIGKILL)
        execs.end(self.files)
        with suppress(subprocess.TimeoutExpired):
            self.wait(_GONE)

    def check(self) -> None:
        """Raise RuntimeFailed if it has ended and never began; its field ``rc`` is 125, 126 or 127 as podman-exec(1) has them."""
        if self.returncode is not None and not self._pid:
            raise execs.never_began(self.runtime, self.container_id, self.files, self.returncode)

    def close(self) -> None:
        """Let go of the pipes."""
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe is not None:
                pipe.close()

    def _began(self) -> bool:
        """Return whether the command is our child by now."""
        if self._pid or (code := self._runtime.poll()) is None:
            return bool(self._pid)
        self._pid = self.files.read_pid() if code == 0 else 0
        if not self._pid:
            self.returncode = code or execs.ENGINE_FAILED
        return bool(self._pid)
