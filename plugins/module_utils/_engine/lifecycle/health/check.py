# SPDX-License-Identifier: GPL-3.0-or-later
"""One health check that runs: a process of the OCI runtime that is listened to and, when it takes too long, ended."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass

from ...errors import RuntimeFailed
from ...kernel.cgroup import cgroups
from ...kernel.process import Process
from ...model.container.execution import ExecSpec
from ...model.container.health import OUTPUT_LIMIT, Result
from ...model.container.healthcheck import HealthCheck
from ...model.engine.record import ContainerRecord
from ...runtime.config import exec_process
from ...runtime.exec import execs
from ...runtime.exec.child import ExecChild
from ...runtime.exec.execs import ExecFiles
from ..core.engine import Engine
from ..core.process_spec import own_process
from ..core.runtime import runtime_of
from ..resources.cgroup import cgroup_of
from . import health

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
    child: ExecChild
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
        """Start the command in the container, as its own user; raises OSError, EngineError when it has just ended.

        Whoever calls it adopts (kernel.reaper).
        """
        files = ExecFiles.of(engine.layout.container(record.id), _SESSION)
        _end_left(engine, record, files)
        own = own_process(engine.layout, record.id, record.name)
        files.write(exec_process.build(own, ExecSpec(argv), None, home_given=True))
        runtime = runtime_of(engine, record)
        begun, now = time.time_ns(), health.now()
        child = ExecChild(runtime, record.id, files, stdin=False, stderr=subprocess.STDOUT)
        one = cls(record, check, files, child, begun, health.age(record), timeout, now + timeout)
        os.set_blocking(one.output, False)
        return one

    @property
    def output(self) -> int:
        """The descriptor of what it says, -1 when it has been closed."""
        stdout = self.child.stdout
        return -1 if stdout is None or stdout.closed else stdout.fileno()

    def ended(self) -> bool:
        """Listen, end it when its time is over, and tell whether it has ended."""
        over = self.child.poll() is not None
        self._listen()
        if not over and not self.late and health.now() >= self.deadline:
            self.late = True
            self.child.kill()
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
        if self.child.poll() is None:
            self.child.kill()
        self.child.close()
        self.files.remove()

    def _outcome(self) -> tuple[int, str]:
        if self.late:
            return 1, health.timed_out(self.timeout)
        try:
            self.child.check()
        except RuntimeFailed as error:
            return health.code_of(error), error.message
        return self.child.wait(), self.said.decode("utf-8", "replace")


def _end_left(engine: Engine, record: ContainerRecord, files: ExecFiles) -> None:
    """End the check that a killed checker left, with the runtime's process that waits for it."""
    process = Process.of(files.read_pid())
    # The number may be another's by now: one of the container's own is in its cgroup.
    if process is not None and process.pid in cgroups.processes(cgroup_of(engine, record)):
        execs.end(files)
    files.remove()
