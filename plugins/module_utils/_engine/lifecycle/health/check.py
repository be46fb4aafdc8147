# SPDX-License-Identifier: GPL-3.0-or-later
"""A running health check: a process of the OCI runtime whose output is read and which a timeout kills."""

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

#: Bytes per read and reads per turn: together more than a pipe holds (pipe(7)), so a check's last output is read whole.
_STEP, _TURNS = 4096, 32
#: The session id of checks. A container runs one check at a time, so what a killed checker left is found by this id.
_SESSION = "health"


@dataclass
class Running:
    """A check in progress.

    ``begun`` is the start in nanoseconds since the epoch; ``age`` the container's uptime at that moment and ``timeout`` the
    check's limit, in nanoseconds; ``deadline`` in nanoseconds since boot. ``late``: the deadline passed and it was killed.
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
        """Start the command in the container as the container's user.

        The caller must be a subreaper (kernel.reaper). Raises OSError or EngineError when the container has just exited.
        """
        files = ExecFiles.of(engine.layout.container(record.id), _SESSION)
        _kill_leftover(engine, record, files)
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
        """The descriptor of the check's output, or -1 once it is closed."""
        stdout = self.child.stdout
        return -1 if stdout is None or stdout.closed else stdout.fileno()

    def ended(self) -> bool:
        """Read the output, kill the check when its deadline has passed, and return whether it has exited."""
        over = self.child.poll() is not None
        self._read_output()
        if not over and not self.late and health.now() >= self.deadline:
            self.late = True
            self.child.kill()
        return over

    def _read_output(self) -> None:
        """Read the available output, up to a limit: a check that writes endlessly must not starve others."""
        with suppress(BlockingIOError):
            for _turn in range(_TURNS):
                piece = os.read(self.output, _STEP)
                self.said += piece[: max(0, 4 * OUTPUT_LIMIT - len(self.said))]
                if not piece:
                    break

    def result(self) -> Result:
        """Return the result of a check that has exited."""
        code, said = self._outcome()
        return Result(self.begun, time.time_ns(), code, said[:OUTPUT_LIMIT])

    def close(self) -> None:
        """Release the check's descriptors and files; kill it first if it still runs."""
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


def _kill_leftover(engine: Engine, record: ContainerRecord, files: ExecFiles) -> None:
    """Kill the check that a killed checker left, and the runtime's process that waits for it."""
    process = Process.of(files.read_pid())
    # The PID may have been reused: a process of the container is in its cgroup.
    if process is not None and process.pid in cgroups.processes(cgroup_of(engine, record)):
        execs.end(files)
    files.remove()
