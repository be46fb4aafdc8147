# SPDX-License-Identifier: GPL-3.0-or-later
"""Let the OCI runtime start one more process in a running container: ``exec`` of runc(8) and crun(1).

The process goes to the runtime in a file, so nothing of it stands in an argument list that everybody on the host can
read. The file, the pid file and the runtime's log lie in a directory of the session's own below the container's run
directory, so whatever a killed exec leaves goes with the container at the latest.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...errors import RuntimeFailed
from ...kernel.process import Process, stop, stop_tree
from ...kernel.removal import remove_tree
from ...model.engine.layout import ContainerLayout
from ..oci import OciRuntime, error_text

#: Exit codes of podman-exec(1), and of every shell: found but not executable, not found.
NOT_EXECUTABLE, NOT_FOUND, ENGINE_FAILED = 126, 127, 125
#: Seconds for a killed process to be gone.
_GONE = 5.0
_LOG_LIMIT = 64 * 1024


class ExecFiles(NamedTuple):
    """The files of one session, all below ``directory``."""

    directory: str

    @classmethod
    def of(cls, container: ContainerLayout, session_id: str) -> ExecFiles:
        """Return those of a session; ``session_id`` is one that names.new_id made."""
        return cls(f"{container.run}/exec/{session_id}")

    @property
    def process(self) -> str:
        """Return the file of the OCI process that is run."""
        return f"{self.directory}/process.json"

    @property
    def pid(self) -> str:
        """Return the file with its pid."""
        return f"{self.directory}/pid"

    @property
    def log(self) -> str:
        """Return the OCI runtime's own log."""
        return f"{self.directory}/log"

    def write(self, process: Mapping[str, Any]) -> None:
        """Make the directory and write the OCI process, readable by root alone."""
        os.makedirs(self.directory, mode=0o700)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with open(os.open(self.process, flags, 0o600), "wb") as stream:
            stream.write(json.dumps(process).encode())

    def remove(self) -> None:
        """Remove all of it; nothing there is fine."""
        remove_tree(self.directory)

    def read_pid(self) -> int:
        """Return the pid that the runtime wrote; 0 when the process never began."""
        try:
            with open(self.pid, encoding="ascii") as stream:
                return int(stream.read(32))
        except (FileNotFoundError, ValueError):
            return 0


class Executed(NamedTuple):
    """How a command ended: its exit code (128 + N for signal N), and at most command.OUTPUT_LIMIT of what it said until then."""

    code: int
    stdout: bytes = b""
    stderr: bytes = b""


def arguments(runtime: OciRuntime, container_id: str, files: ExecFiles, *, detach: bool = False) -> list[str]:
    """Return the argument list that runs the process of ``files``; its exit code is the command's, with ``detach`` its own."""
    argv = [runtime.path, "--root", runtime.root, "--log", files.log, "--log-format", "json", "exec"]
    argv += ["--detach"] if detach else []
    return [*argv, "--process", files.process, "--pid-file", files.pid, container_id]


def check(runtime: OciRuntime, container_id: str, files: ExecFiles, returncode: int) -> None:
    """Raise RuntimeFailed if the command never began; its field ``rc`` is 125, 126 or 127 as podman-exec(1) has them.

    Told by the pid file, which the runtime writes once the process is there, not by an exit code that a command may
    have as well.
    """
    if returncode != 0 and not files.read_pid():
        raise never_began(runtime, container_id, files, returncode)


def never_began(runtime: OciRuntime, container_id: str, files: ExecFiles, returncode: int) -> RuntimeFailed:
    """Return the error of a command that the runtime could not start, in the runtime's words."""
    text = error_text(_read(files.log)) or f"exit code {returncode}, no message"
    return RuntimeFailed(
        f"{runtime.name} exec: {text}", runtime=runtime.name, id=container_id, rc=meaning(text)
    )


def meaning(text: str) -> int:
    """Return the exit code of podman-exec(1) for what a runtime said of a command that never began."""
    low = text.lower()
    if "executable" in low and "not found" in low:
        return NOT_FOUND
    if "chdir" in low or "cwd" in low:
        return NOT_FOUND if "no such file" in low else NOT_EXECUTABLE
    if "permission denied" in low or "not permitted" in low or "exec format" in low:
        return NOT_EXECUTABLE
    return NOT_FOUND if "no such file" in low else ENGINE_FAILED


def end(files: ExecFiles) -> None:
    """Kill the command and all that it started and that still hangs below it; one that has ended is fine."""
    process = Process.of(files.read_pid()) if files.read_pid() else None
    if process is None:
        return
    deadline = time.monotonic() + _GONE
    stop((process,))
    for one in (*stop_tree(process.pid), process):
        one.signal(signal.SIGKILL)
        one.wait_gone(max(0.0, deadline - time.monotonic()))


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(_LOG_LIMIT)
    except FileNotFoundError:
        return ""
