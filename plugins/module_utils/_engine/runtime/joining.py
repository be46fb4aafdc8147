# SPDX-License-Identifier: GPL-3.0-or-later
"""Let the OCI runtime start a process in a running container, with our own streams and without a file.

What is to run and what the runtime has to say go through memory that has no name (memfd_create(2)), so a kill at any
moment leaves nothing behind. runc and crun close them before the command begins.
"""

from __future__ import annotations

import json
import os

from ..errors import RuntimeFailed

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from collections.abc import Mapping
    from typing import Any

_LOG_LIMIT = 64 * 1024
#: As kernel.command has it, whose import costs too much here.
_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


class Joined:
    """A runtime that runs a command; ``pid`` is the runtime's, whose child the command is.

    ``pidfd`` can be read once it has ended; None where there is none (Linux before 5.3).
    """

    __slots__ = ("_log", "pid", "pidfd", "runtime")

    def __init__(self, pid: int, runtime: str, log: int) -> None:
        self.pid = pid
        self.pidfd = _pidfd(pid)
        self.runtime = runtime
        self._log = log

    def wait(self) -> int:
        """Wait for the end, and return the command's exit code.

        Raises RuntimeFailed when it never began; its field ``rc`` is 125, 126 or 127 as podman-exec(1) has them.
        """
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if code == 0:
            return code
        said = os.pread(self._log, _LOG_LIMIT, 0)
        if not said:
            return code if code > 0 else 128 - code
        from .execs import meaning
        from .oci import error_text

        text = error_text(said.decode(errors="replace"))
        raise RuntimeFailed(f"{self._name} exec: {text}", runtime=self._name, rc=meaning(text))

    @property
    def _name(self) -> str:
        return os.path.basename(self.runtime)


def join(
    runtime: str, root: str, container_id: str, process: Mapping[str, Any], *, streams: tuple[int, int, int]
) -> Joined:
    """Start it. ``runtime`` is a path, ``root`` its directory; ``streams`` become the command's own."""
    wanted, log = os.memfd_create("process", 0), os.memfd_create("log", 0)
    os.write(wanted, json.dumps(process).encode())
    argv = [runtime, "--root", root, "--log", f"/proc/self/fd/{log}", "--log-format", "json", "exec"]
    argv += ["--process", f"/proc/self/fd/{wanted}", container_id]
    moves = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(streams) if fd != number]
    # In a process group of its own: a signal that Ansible sends to all of a task's processes would else reach the runtime too,
    # which hands it to the command alone and ends with it, while what the command has started goes on.
    pid = os.posix_spawn(runtime, argv, _ENVIRONMENT, file_actions=moves, setpgroup=0)
    os.close(wanted)
    return Joined(pid, runtime, log)


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None
