# SPDX-License-Identifier: GPL-3.0-or-later
"""Speak to the engine's program on a host, and tell its errors as Ansible's own."""

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

#: What a shell answers when there is no such program, or it may not be run.
NO_PROGRAM = (126, 127)
#: The second of them: there is none.
NOT_FOUND = 127
_CONNECT = "connect"
#: Runs the program, wherever it comes from, with words and a standard input.
Run = Callable[[Sequence[str], bytes], Answer]
#: Errors that say that the container can't be reached, now or ever.
_UNREACHABLE = frozenset({"not_found", "wrong_state", "rootfs_died", "state_busy"})


def path_of(agent: Optional[str], root: Optional[str]) -> str:
    """Return where the program is on a host: as it is said, or below the engine's root."""
    return agent or f"{root or DEFAULT_ROOT}/{PROGRAM}"


def missing(path: str, said: str) -> str:
    """Return what to tell where there is no program; ``said`` is what the host's shell told."""
    return (
        f"there is no agent {path} ({said}). Unless agent (ansible_slipway_agent) says where it is, it is brought to a host,"
        " which needs Python (ansible_python_interpreter); root alone may run it, so the host may need ansible_become"
    )


class Failure(NamedTuple):
    """An error of the engine: its stable code, what it says, and its fields."""

    code: str
    message: str
    fields: dict[str, Any]


class Program:
    """The engine's program at a path on a host; ``bring`` runs it where it is missing or too old."""

    def __init__(self, host: HostConnection, path: str, bring: Optional[Run] = None) -> None:
        self._host = host
        self._path = path
        self._bring = bring

    def connect(self, request: dict[str, Any], data: bytes = b"") -> tuple[Answer, Optional[Failure]]:
        """Hand over a request (agent/connect/main.py) and what follows it; return the answer, and the engine's error if any.

        Raises AnsibleConnectionFailure when the container can't be reached.
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
                f"{self._where}: the engine needs root: the host may need ansible_become"
            )
        if failure.code in _UNREACHABLE:
            raise AnsibleConnectionFailure(failure.message)
        return answer, failure

    def pass_file(self, request: dict[str, Any], data: bytes = b"") -> tuple[dict[str, Any], bytes]:
        """Hand over a piece of a file, or ask for one; return the answer's header and data.

        Raises AnsibleConnectionFailure as ``connect`` does, AnsibleError for a file that can't be written or read.
        """
        answer, failure = self.connect(request, data)
        if failure is not None:
            raise AnsibleError(f"{request['name']}: {failure.message}")
        try:
            return frames.split(answer.stdout)
        except ValueError as error:
            said = answer.stderr.decode(errors="replace")
            raise AnsibleError(
                f"{request['name']}: {request['path']} was not passed: {error}. {said}"
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
        return f"{where}: {self._path} did not begin: {said}"


def _lacks(answer: Answer) -> bool:
    return answer.rc == NOT_FOUND or _is_old(answer)


def _is_old(answer: Answer) -> bool:
    """Tell whether the program has said that it does not know the verb."""
    return f"'{_CONNECT}'".encode() in answer.stderr


def _split(stderr: bytes, mark: bytes) -> tuple[bytes, list[bytes]]:
    """Return what the command said, and what the program said of itself: a word that it began, perhaps an error."""
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
        raise AnsibleError(f"slipway answered what can't be understood: {line!r}") from error
