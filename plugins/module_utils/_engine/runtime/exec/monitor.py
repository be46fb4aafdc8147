# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command in a container in the background: conmon monitors it, records its exit code and calls us.

Sources: conmon(8) ``--exec``; libpod, ``ExecContainerDetached``.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from ...errors import RuntimeFailed
from ...kernel.process import Process
from ...model.values.text import decimal
from .. import conmon
from ..oci import OciRuntime, error_text
from .execs import ENGINE_FAILED, ExecFiles, meaning

_WORDS_LIMIT = 64


def start(
    program: str,
    runtime: OciRuntime,
    container_id: str,
    files: ExecFiles,
    exit_command: tuple[str, ...],
    *,
    move: Callable[[int], None] | None,
) -> tuple[Process | None, Process | None]:
    """Start the command of ``files``; return its process and conmon's, None for one that has exited.

    ``program`` is conmon's path; ``exit_command`` is run when the command has exited. The command's output is
    discarded. ``move`` is called with conmon's PID, as in ConmonLaunch. Raises RuntimeFailed, with ``rc`` as
    in podman-exec(1), if the command never started.
    """
    os.makedirs(exits(files), mode=0o700)
    line, words = conmon.spawn(
        _arguments(program, runtime, container_id, files, exit_command), files.directory, move
    )
    # conmon may exit without a message if the command has already exited; the PID file shows that it started.
    pid = (0 if line else files.read_pid()) or _pid(runtime, container_id, line, words)
    return Process.of(pid), conmon.read_process(f"{files.directory}/conmon.pid")


def exits(files: ExecFiles) -> str:
    """Return the directory of the exit file, which is named after the container's ID."""
    return f"{files.directory}/exits"


def exit_code(files: ExecFiles, container_id: str) -> int | None:
    """Return the exit code that conmon wrote, or None if there is none."""
    try:
        with open(f"{exits(files)}/{container_id}", encoding="ascii", errors="replace") as stream:
            text = stream.read(_WORDS_LIMIT).strip()
    except FileNotFoundError:
        return None
    return decimal(text, most=255)


def _pid(runtime: OciRuntime, container_id: str, line: bytes | None, words: str) -> int:
    said = conmon.first_word(line)
    pid = said.get("data", -1)
    if isinstance(pid, int) and pid > 0:
        return pid
    text = error_text(str(said.get("message", ""))) or error_text(words) or "conmon exited without a message"
    rc = ENGINE_FAILED if line is None else meaning(text)
    raise RuntimeFailed(f"{runtime.name} exec: {text}", runtime=runtime.name, id=container_id, rc=rc)


def _arguments(
    program: str, runtime: OciRuntime, container_id: str, files: ExecFiles, exit_command: tuple[str, ...]
) -> list[str]:
    argv = [
        program,
        "--api-version",
        "1",
        "--cid",
        container_id,
        "--cuuid",
        os.path.basename(files.directory),
    ]
    argv += ["--name", container_id, "--runtime", runtime.path, "--bundle", files.directory, "--full-attach"]
    argv += ["--exec", "--exec-process-spec", files.process, "--container-pidfile", files.pid]
    argv += ["--conmon-pidfile", f"{files.directory}/conmon.pid", "--exit-dir", exits(files)]
    argv += ["--log-path", "off", "--log-level", "error"]
    for word in ("--root", runtime.root, "--log-format=json", f"--log={files.log}"):
        argv += ["--runtime-arg", word]
    argv += ["--exit-command", *exit_command[:1]] if exit_command else []
    for word in exit_command[1:]:
        argv += ["--exit-command-arg", word]
    return argv
