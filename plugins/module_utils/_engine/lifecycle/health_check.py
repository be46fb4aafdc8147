# SPDX-License-Identifier: GPL-3.0-or-later
"""One health check that runs: a process of the OCI runtime that is listened to and, when it takes too long, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass

from ..errors import RuntimeFailed
from ..kernel import cgroups, command
from ..kernel.process import Process
from ..model.execution import ExecSpec
from ..model.health import OUTPUT_LIMIT, Result
from ..model.healthcheck import HealthCheck
from ..model.record import ContainerRecord
from ..runtime import execprocess, execs, oci
from ..runtime.execs import ExecFiles
from . import health
from .cgroup import cgroup_of
from .engine import Engine
from .ownprocess import own_process

#: Seconds for the runtime of a killed check to be gone.
_GONE = 5.0
#: Bytes at once, and how often in a row: together more than a pipe holds (pipe(7)), so the end of a check's words is read.
_STEP, _TURNS = 4096, 32
#: The name of the checks' session. A container has one at a time, so what a killed checker left is found by it.
_SESSION = "health"


@dataclass
class Running:
    """A check that runs. Since when: ``begun`` in nanoseconds since the epoch; ``deadline`` in nanoseconds since boot.

    ``age`` is how long the container had run at that moment; ``late``: the time was over, and it was killed.
    """

    record: ContainerRecord
    check: HealthCheck
    files: ExecFiles
    runtime: oci.OciRuntime
    process: subprocess.Popen[bytes]
    begun: int
    age: int
    timeout: int
    deadline: int
    said: bytes = b""
    late: bool = False

    @classmethod
    def start(
        cls, engine: Engine, record: ContainerRecord, check: HealthCheck, argv: tuple[str, ...], timeout: int
    ) -> Running:
        """Start the command in the container, as its own user; raises OSError, EngineError when it has just ended."""
        files = ExecFiles.of(engine.layout.container(record.id), _SESSION)
        _end_left(engine, record, files)
        own = own_process(engine.layout, record.id, record.name)
        files.write(execprocess.build(own, ExecSpec(argv), None, home_given=True))
        runtime = oci.find_runtime(record.runtime or None, root=engine.layout.runtime_root)
        begun, now = time.time_ns(), health.now()
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            execs.arguments(runtime, record.id, files),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=command.ENVIRONMENT,
            bufsize=0,
            start_new_session=True,
        )
        one = cls(record, check, files, runtime, process, begun, health.age(record), timeout, now + timeout)
        os.set_blocking(one.output, False)
        return one

    @property
    def output(self) -> int:
        """The descriptor of what it says, -1 when it has been closed."""
        return (
            -1 if self.process.stdout is None or self.process.stdout.closed else self.process.stdout.fileno()
        )

    def ended(self) -> bool:
        """Listen, end it when its time is over, and tell whether it has ended."""
        over = self.process.poll() is not None
        self._listen()
        if not over and not self.late and health.now() >= self.deadline:
            self.late = True
            self._end()
        return over

    def _listen(self) -> None:
        """Read what is there; of a check that writes without end, a bounded piece, or nobody else had a turn."""
        with suppress(BlockingIOError):
            for _turn in range(_TURNS):
                piece = os.read(self.output, _STEP)
                self.said += piece[: max(0, 4 * OUTPUT_LIMIT - len(self.said))]
                if not piece:
                    break

    def result(self) -> Result:
        """Return how it ended."""
        code, said = self._outcome()
        return Result(self.begun, time.time_ns(), code, said[:OUTPUT_LIMIT])

    def close(self) -> None:
        """Let go of all that it had; one that runs is ended first."""
        if self.process.poll() is None:
            self._end()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.files.remove()

    def _end(self) -> None:
        execs.end(self.files)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_GONE)

    def _outcome(self) -> tuple[int, str]:
        if self.late:
            return 1, health.timed_out(self.timeout)
        try:
            execs.check(self.runtime, self.record.id, self.files, self.process.returncode)
        except RuntimeFailed as error:
            return health.code_of(error), error.message
        return self.process.returncode, self.said.decode("utf-8", "replace")


def _end_left(engine: Engine, record: ContainerRecord, files: ExecFiles) -> None:
    """End the check that a killed checker left, with the runtime's process that waits for it."""
    process = Process.of(files.read_pid())
    # The number may be another's by now: one of the container's own is in its cgroup.
    if process is not None and process.pid in cgroups.processes(cgroup_of(engine, record)):
        execs.end(files)
    files.remove()
