# SPDX-License-Identifier: GPL-3.0-or-later
"""Start a process in a running container with the OCI runtime, with given streams and without files.

The process and the runtime's log are passed in anonymous memory (memfd_create(2)), so that a kill at any
point leaves nothing behind. runc and crun close these descriptors before the command starts.
"""

from __future__ import annotations

import json
import os

from ...errors import RuntimeFailed
from ...kernel import reaper

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from collections.abc import Mapping
    from typing import Any

_FAILED = 125
_LOG_LIMIT = 64 * 1024
#: The same as in kernel.command, whose import costs too much here.
_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


class Joined:
    """A command running as our child; ``pidfd`` becomes readable when it exits, None without pidfds."""

    __slots__ = ("pid", "pidfd")

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.pidfd = _pidfd(pid)

    def has_ended(self) -> bool:
        """Return whether the command has exited."""
        return reaper.has_ended(self.pid)

    def wait(self) -> int:
        """Wait for the command to exit and return its exit code."""
        code = reaper.exit_code(self.pid)
        return _FAILED if code is None else code


def join(
    runtime: str, root: str, container_id: str, process: Mapping[str, Any], *, streams: tuple[int, int, int]
) -> Joined:
    """Start a process in the container and adopt it.

    ``runtime`` is a path, ``root`` its state directory; ``streams`` become the command's standard streams.
    The runtime exits once it has started the command, because it might wait for what the command leaves in
    the background (runc). Raises RuntimeFailed if the command never started; its field ``rc`` is 125, 126 or
    127 as in podman-exec(1).
    """
    wanted, log = os.memfd_create("process", 0), os.memfd_create("log", 0)
    os.write(wanted, json.dumps(process).encode())
    argv = [runtime, "--root", root, "--log", f"/proc/self/fd/{log}", "--log-format", "json", "exec"]
    argv += ["--detach", "--process", f"/proc/self/fd/{wanted}", container_id]
    moves = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(streams) if fd != number]
    reaper.adopt()
    # In a process group of its own: a signal that Ansible sends to all of a task's processes would otherwise
    # reach the runtime, which forwards it to the command only and exits with it, while the command's children
    # keep running.
    pid = os.posix_spawn(runtime, argv, _ENVIRONMENT, file_actions=moves, setpgroup=0)
    os.close(wanted)
    code = reaper.exit_code(pid)
    child = 0 if code else reaper.oldest_child()
    if not child:
        raise _never_began(os.path.basename(runtime), code, os.pread(log, _LOG_LIMIT, 0))
    os.close(log)
    return Joined(child)


def _never_began(name: str, code: int | None, said: bytes) -> RuntimeFailed:
    from ..oci import error_text
    from .execs import meaning

    text = error_text(said.decode(errors="replace")) or f"exit code {code}, no message"
    return RuntimeFailed(f"{name} exec: {text}", runtime=name, rc=meaning(text))


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None
