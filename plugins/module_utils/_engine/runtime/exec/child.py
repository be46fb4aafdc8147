# SPDX-License-Identifier: GPL-3.0-or-later
"""A command in a container as our child process, started by the OCI runtime and then adopted.

A runtime that stays (runc) waits until all holders of the command's output have closed it, including
background children of the command. So it is run with ``--detach`` and the command is adopted: its exit is
noticed directly.
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

#: Seconds to wait for killed processes to exit.
_GONE = 5.0
#: Seconds between checks for a requested termination while the command is being started.
_LOOK = 0.2
#: Seconds between checks for what takes less than a millisecond.
_SOON = 0.001


class ExecChild:
    """The runtime and then the command, with the interface of subprocess.Popen.

    The caller must be a subreaper (kernel.reaper).
    """

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
            stdin=subprocess.PIPE,  # even without input: crun would chown /dev/null to the command's user
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
        """Return the pipe to the command's standard input."""
        return self._runtime.stdin

    @property
    def stdout(self) -> Optional[IO[bytes]]:
        """Return the pipe from the command's standard output."""
        return self._runtime.stdout

    @property
    def stderr(self) -> Optional[IO[bytes]]:
        """Return the pipe from the command's standard error."""
        return self._runtime.stderr

    def poll(self) -> Optional[int]:
        """Return the exit code, the runtime's if the command never started; None while either runs."""
        if self.returncode is None and self._has_started():
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
        """The PIDs of our children that belong to it, which others must not reap.

        None while the runtime runs: the command may already be our child (crun's is, before crun exits), with
        a PID that is not known yet.
        """
        return {self._runtime.pid, self._pid} if self._has_started() or self.returncode is not None else None

    def send_signal(self, signum: int) -> None:
        """Send a signal to the command and its descendants.

        A shell that exits would otherwise leave behind the process that it waits for. A signal that arrives
        while the runtime starts the command is sent once the command runs: a runtime that gets it may exit
        and leave the command running.
        """
        if self.poll() is not None:
            return
        if not self._pid or self._is_runtime_stub():
            self._asked = signum, time.monotonic()
            return
        first = Process.of(self._pid)
        if first is None:
            return
        stop((first,))  # it starts no processes until its descendants have got the signal
        signal_tree(self._pid, signum)
        deadline = time.monotonic() + _GONE
        while True:
            first.signal(signum)
            first.signal(signal.SIGCONT)
            # A process that neither catches nor ignores the signal dies of it. If it survives, the signal was
            # lost while the runtime was about to execute the command, so it is sent again.
            if first.handles(signum) or first.wait_gone(_LOOK) or time.monotonic() > deadline:
                return

    def _until_started(self) -> None:
        """Wait for the runtime; kill it and what it started if it hangs after a termination request."""
        starter = Process.of(self._runtime.pid)
        while starter is not None and not starter.wait_gone(_LOOK):
            if self._asked and time.monotonic() - self._asked[1] > _GONE:
                self.kill()
        self._runtime.wait()
        if not self._has_started():
            return
        deadline = time.monotonic() + _GONE
        while self._is_runtime_stub() and time.monotonic() < deadline:
            time.sleep(_SOON)
        if self._asked:
            self.send_signal(self._asked[0])

    def _is_runtime_stub(self) -> bool:
        """Return whether the process is still runc's own, which loses a signal just before execve(2)."""
        return procstat.read(self._pid, "comm").startswith(b"runc:[")

    def watched(self) -> Optional[int]:
        """Wait for the start; return a descriptor that becomes readable when the command exits, or None."""
        self._until_started()
        try:
            return os.pidfd_open(self._pid) if self._has_started() else None
        except (AttributeError, OSError):
            return None

    def take_pipes(self) -> tuple[int, int, Optional[int]]:
        """Return its standard output, error and input; the caller owns them from then on."""
        found = [os.dup(pipe.fileno()) if pipe else -1 for pipe in (self.stdout, self.stderr, self.stdin)]
        self.close()
        return found[0], found[1], found[2] if self.stdin else None

    def kill(self) -> None:
        """Kill the runtime, the command and its remaining descendants."""
        if self._runtime.poll() is None:
            # runc's process in the container leads a session of its own and may block there (on /etc/passwd).
            below = stop_tree(self._runtime.pid)
            with suppress(ProcessLookupError):
                os.killpg(self._runtime.pid, signal.SIGKILL)
            for one in below:
                one.signal(signal.SIGKILL)
        execs.end(self.files)
        with suppress(subprocess.TimeoutExpired):
            self.wait(_GONE)

    def check(self) -> None:
        """Raise RuntimeFailed if the command never started.

        The error's field ``rc`` is 125, 126 or 127, as in podman-exec(1).
        """
        if self.returncode is not None and not self._pid:
            raise execs.never_began(self.runtime, self.container_id, self.files, self.returncode)

    def close(self) -> None:
        """Close the pipes."""
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe is not None:
                pipe.close()

    def _has_started(self) -> bool:
        """Return whether the runtime has started the command, which is then our child."""
        if self._pid or (code := self._runtime.poll()) is None:
            return bool(self._pid)
        self._pid = self.files.read_pid() if code == 0 else 0
        if not self._pid:
            self.returncode = code or execs.ENGINE_FAILED
        return bool(self._pid)
