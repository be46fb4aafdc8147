# SPDX-License-Identifier: GPL-3.0-or-later
"""Run programs: an argument list, a clean environment, a deadline."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ..errors import CommandFailed, CommandTimeout, HostLacks

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT: Mapping[str, str] = {"PATH": PATH, "LC_ALL": "C"}
#: No message of a program is worth more than this to a person.
_OUTPUT_LIMIT = 1024 * 1024
_SAID_LIMIT = 2000


@dataclass(frozen=True)
class Completed:
    """What a program left: its return code (negative: killed by that signal) and the end of its output."""

    returncode: int
    stdout: bytes
    stderr: bytes


def find_program(name: str, *, extra: Sequence[str] = ()) -> str | None:
    """Return the program's path, looked up in the fixed PATH and the extra directories."""
    return shutil.which(name, path=":".join((PATH, *extra)))


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    pass_fds: Sequence[int] = (),
    cwd: str | None = None,
    check: bool = True,
) -> Completed:
    """Run the program to its end. Raises HostLacks, CommandTimeout, and with ``check`` CommandFailed."""
    process = _popen(argv, dict(ENVIRONMENT if env is None else env), pass_fds, cwd)
    with process:
        try:
            stdout, stderr = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            _kill_group(process.pid)
            raise CommandTimeout(f"{argv[0]} did not end within {timeout:.0f} s and was killed", argv=list(argv)) from None
    done = Completed(process.returncode, stdout[-_OUTPUT_LIMIT:], stderr[-_OUTPUT_LIMIT:])
    if check and done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()[-_SAID_LIMIT:]
        raise CommandFailed(f"{argv[0]} failed with {done.returncode}: {said}", rc=done.returncode, stderr=said)
    return done


def _popen(
    argv: Sequence[str], env: dict[str, str], pass_fds: Sequence[int], cwd: str | None
) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(
            argv, stdin=pipe, stdout=pipe, stderr=pipe, env=env, pass_fds=pass_fds, cwd=cwd, start_new_session=True
        )
    except FileNotFoundError:
        raise HostLacks(
            f"the program {argv[0]} is missing on this host", remedy="Run role slipway.oci.host", missing=argv[0]
        ) from None


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
