# SPDX-License-Identifier: GPL-3.0-or-later
"""Client of the engine's program on a host; raises its errors as Ansible's."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Optional

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.connect import frames
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.engine.places import (
    DEFAULT_ROOT,
    PROGRAM,
)

from .host_connection import Answer, HostConnection

#: Exit statuses of a shell for a program that cannot be executed or does not exist.
NO_PROGRAM = (126, 127)
#: The second of them: the program does not exist.
NOT_FOUND = 127
_CONNECT = "connect"
#: Runs the program with arguments and standard input.
Run = Callable[[Sequence[str], bytes], Answer]
#: Errors that mean that the container cannot be reached.
_UNREACHABLE = frozenset({"not_found", "wrong_state", "rootfs_died", "state_busy"})


def path_of(agent: Optional[str], root: Optional[str]) -> str:
    """Return the program's path on a host, by default below the engine's root."""
    return agent or f"{root or DEFAULT_ROOT}/{PROGRAM}"


def missing(path: str, said: str) -> str:
    """Return the error message for a missing program; ``said`` is the output of the host's shell."""
    return (
        f"there is no agent {path} ({said}). Unless agent (ansible_slipway_agent) is set, it is installed on the host,"
        " which requires Python (ansible_python_interpreter); only root can run it, so the host may need ansible_become"
    )


class Failure(NamedTuple):
    """An error of the engine: its stable code, its message, and its fields."""

    code: str
    message: str
    fields: dict[str, Any]


class Program:
    """The engine's program at a path on a host; ``bring`` runs it if it is missing or too old."""

    def __init__(self, host: HostConnection, path: str, bring: Optional[Run] = None) -> None:
        self._host = host
        self._path = path
        self._bring = bring

    def connect(self, request: dict[str, Any], data: bytes = b"") -> tuple[Answer, Optional[Failure]]:
        """Send a request (agent/connect/main.py) with its data; return the answer and the error, if any.

        Raises AnsibleConnectionFailure if the container cannot be reached.
        """
        mark = f"slipway-{os.urandom(12).hex()} "
        given = frames.encode({**request, "mark": mark}) + data
        answer = self._host.run([self._path, _CONNECT], given)
        stderr, told = _split(answer.stderr, mark.encode())
        if not told and self._bring is not None and _lacks(answer):
            answer = self._bring([_CONNECT], given)
            stderr, told = _split(answer.stderr, mark.encode())
        answer = answer._replace(stderr=stderr)
        if not told:
            raise AnsibleConnectionFailure(self._never_began(answer))
        if len(told) == 1:
            return answer, None
        failure = _failure(told[-1])
        if failure.code == "not_root":
            raise AnsibleConnectionFailure(
                f"{self._where}: the engine requires root: the host may need ansible_become"
            )
        if failure.code in _UNREACHABLE:
            raise AnsibleConnectionFailure(failure.message)
        return answer, failure

    def pass_file(self, request: dict[str, Any], data: bytes = b"") -> tuple[dict[str, Any], bytes]:
        """Send a chunk of a file, or request one; return the answer's header and data.

        Raises AnsibleConnectionFailure as ``connect`` does, and AnsibleError if the file cannot be written or
        read.
        """
        answer, failure = self.connect(request, data)
        if failure is not None:
            raise AnsibleError(f"{request['name']}: {failure.message}")
        try:
            return frames.split(answer.stdout)
        except ValueError as error:
            said = answer.stderr.decode(errors="replace")
            raise AnsibleError(
                f"{request['name']}: {request['path']} was not transferred: {error}. {said}"
            ) from error

    @property
    def _where(self) -> str:
        return f"host {self._host.name or 'localhost'}"

    def _never_began(self, answer: Answer) -> str:
        said = answer.stderr.decode(errors="replace").strip() or f"exit code {answer.rc}"
        where = self._where
        if answer.rc in NO_PROGRAM:
            return f"{where}: {missing(self._path, said)}"
        if _is_old(answer):
            return f"{where}: {self._path} is older than this collection. Run a task of slipway.oci there"
        return f"{where}: {self._path} did not start: {said}"


def _lacks(answer: Answer) -> bool:
    return answer.rc == NOT_FOUND or _is_old(answer)


def _is_old(answer: Answer) -> bool:
    """Return whether the program has reported that it does not know the verb."""
    return f"'{_CONNECT}'".encode() in answer.stderr


def _split(stderr: bytes, mark: bytes) -> tuple[bytes, list[bytes]]:
    """Split stderr into the command's output and the program's own lines: that it started, and any error."""
    first, *others = stderr.split(mark)
    told, kept = [], [first]
    for part in others:
        line, _end, rest = part.partition(b"\n")
        told.append(line)
        kept.append(rest)
    return b"".join(kept), told


def _failure(line: bytes) -> Failure:
    try:
        fields = json.loads(line)
        return Failure(fields.pop("error"), fields.pop("msg"), fields)
    except (ValueError, KeyError) as error:
        raise AnsibleError(f"slipway sent an invalid reply: {line!r}") from error
