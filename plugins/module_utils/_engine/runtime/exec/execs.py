# SPDX-License-Identifier: GPL-3.0-or-later
"""Start another process in a running container with the runtime's ``exec``: runc(8), crun(1).

The process is passed to the runtime in a file, so that it does not appear in an argument list, which every
user of the host can read. The file, the PID file and the runtime's log are in a directory per session below
the container's run directory, so that leftovers of a killed exec are removed with the container at the
latest.
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

#: Exit codes of podman-exec(1) and of shells: found but not executable, not found; and podman's for its own
#: errors.
NOT_EXECUTABLE, NOT_FOUND, ENGINE_FAILED = 126, 127, 125
#: Seconds to wait for a killed process to exit.
_GONE = 5.0
_LOG_LIMIT = 64 * 1024


class ExecFiles(NamedTuple):
    """The files of one exec session, all below ``directory``."""

    directory: str

    @classmethod
    def of(cls, container: ContainerLayout, session_id: str) -> ExecFiles:
        """Return the files of a session; ``session_id`` comes from names.new_id."""
        return cls(f"{container.run}/exec/{session_id}")

    @property
    def process(self) -> str:
        """Return the path of the file with the OCI process."""
        return f"{self.directory}/process.json"

    @property
    def pid(self) -> str:
        """Return the path of the PID file."""
        return f"{self.directory}/pid"

    @property
    def log(self) -> str:
        """Return the path of the OCI runtime's log."""
        return f"{self.directory}/log"

    def write(self, process: Mapping[str, Any]) -> None:
        """Create the directory and write the OCI process, readable only by root."""
        os.makedirs(self.directory, mode=0o700)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with open(os.open(self.process, flags, 0o600), "wb") as stream:
            stream.write(json.dumps(process).encode())

    def remove(self) -> None:
        """Remove the directory; do nothing if it does not exist."""
        remove_tree(self.directory)

    def read_pid(self) -> int:
        """Return the PID that the runtime wrote, 0 if the process never started."""
        try:
            with open(self.pid, encoding="ascii") as stream:
                return int(stream.read(32))
        except (FileNotFoundError, ValueError):
            return 0


class Executed(NamedTuple):
    """A finished command: its exit code (128 + N for signal N), and its output.

    Of each stream at most command.OUTPUT_LIMIT bytes are kept.
    """

    code: int
    stdout: bytes = b""
    stderr: bytes = b""


def arguments(runtime: OciRuntime, container_id: str, files: ExecFiles, *, detach: bool = False) -> list[str]:
    """Return the argv that runs the process of ``files``.

    Its exit code is the command's, with ``detach`` the runtime's own.
    """
    argv = [runtime.path, "--root", runtime.root, "--log", files.log, "--log-format", "json", "exec"]
    argv += ["--detach"] if detach else []
    return [*argv, "--process", files.process, "--pid-file", files.pid, container_id]


def check(runtime: OciRuntime, container_id: str, files: ExecFiles, returncode: int) -> None:
    """Raise RuntimeFailed if the command never started; its ``rc`` is 125, 126 or 127 as in podman-exec(1).

    The PID file decides, which the runtime writes once the process exists; the command itself could return
    such an exit code, too.
    """
    if returncode != 0 and not files.read_pid():
        raise never_began(runtime, container_id, files, returncode)


def never_began(runtime: OciRuntime, container_id: str, files: ExecFiles, returncode: int) -> RuntimeFailed:
    """Return the error for a command that the runtime could not start, with the runtime's message."""
    text = error_text(_read(files.log)) or f"exit code {returncode}, no message"
    return RuntimeFailed(
        f"{runtime.name} exec: {text}", runtime=runtime.name, id=container_id, rc=meaning(text)
    )


def meaning(text: str) -> int:
    """Return podman-exec(1)'s exit code for a runtime's message about a command that never started."""
    low = text.lower()
    if "executable" in low and "not found" in low:
        return NOT_FOUND
    if "chdir" in low or "cwd" in low:
        return NOT_FOUND if "no such file" in low else NOT_EXECUTABLE
    if "permission denied" in low or "not permitted" in low or "exec format" in low:
        return NOT_EXECUTABLE
    return NOT_FOUND if "no such file" in low else ENGINE_FAILED


def end(files: ExecFiles) -> None:
    """Kill the command and its remaining descendants; do nothing if it has exited."""
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
