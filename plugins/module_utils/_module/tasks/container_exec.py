# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a task of module ``container_exec``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..._engine.errors import ContainerFailed, EngineError, InvalidOption
from ..._engine.kernel.command import OUTPUT_LIMIT
from ..._engine.lifecycle.core.engine import Engine
from ..._engine.lifecycle.core.outcome import Outcome
from ..._engine.lifecycle.exec import exec as execution
from ..._engine.model.container.execution import ExecSpec
from ..._engine.model.values.text import absolute_path, plain_text
from ..options import ArgumentSpec

ARGUMENTS: ArgumentSpec = {
    "name": {"type": "str", "required": True},
    "command": {"type": "raw"},
    "argv": {"type": "list", "elements": "str"},
    "env": {"type": "dict"},
    "user": {"type": "str"},
    "workdir": {"type": "str"},
    "privileged": {"type": "bool", "default": False},
    "tty": {"type": "bool", "default": False},
    "detach": {"type": "bool", "default": False},
    "stdin": {"type": "str"},
    "stdin_add_newline": {"type": "bool", "default": True},
    "strip_empty_ends": {"type": "bool", "default": True},
    "timeout": {"type": "int"},
    "creates": {"type": "str"},
    "removes": {"type": "str"},
}


@dataclass(frozen=True)
class ExecRequest:
    """The request of a task; ``timeout`` in seconds; ``creates``, ``removes``: paths in the container."""

    name: str
    spec: ExecSpec
    detach: bool = False
    stdin: bytes = b""
    strip: bool = True
    timeout: int | None = None
    creates: str | None = None
    removes: str | None = None
    remarks: tuple[str, ...] = ()


def to_request(params: Mapping[str, Any]) -> ExecRequest:
    """Return the task's request. Raises InvalidOption, naming the option."""
    timeout = params["timeout"]
    if timeout is not None and timeout <= 0:
        raise InvalidOption(
            "timeout", timeout, "is not a timeout", remedy="Write the number of seconds, 1 or more"
        )
    if params["detach"]:
        _check_detached(params)
    stdin = "" if params["stdin"] is None else params["stdin"] + "\n" * params["stdin_add_newline"]
    return ExecRequest(
        name=plain_text("name", params["name"]),
        spec=ExecSpec.parse({**params, "tty": params["tty"] and not params["detach"]}),
        detach=params["detach"],
        stdin=stdin.encode("utf-8", "surrogateescape"),
        strip=params["strip_empty_ends"],
        timeout=None if params["detach"] else timeout,
        remarks=tuple(_remarks(params)),
        creates=_path(params, "creates"),
        removes=_path(params, "removes"),
    )


def _check_detached(params: Mapping[str, Any]) -> None:
    if params["stdin"]:
        raise InvalidOption(
            "stdin", params["stdin"], "is not possible with detach: true", remedy="Leave out one of them"
        )


def _remarks(params: Mapping[str, Any]) -> Iterator[str]:
    """Yield a warning for each option that has no effect on a detached command."""
    for option in ("timeout", "tty"):
        if params["detach"] and params[option]:
            yield f"{option} has no effect with detach: true"


def _path(params: Mapping[str, Any], option: str) -> str | None:
    return None if params[option] is None else absolute_path(option, params[option])


def act(engine: Engine, request: ExecRequest) -> Outcome:
    """Run the command. Raises ContainerFailed, with rc and output, if its exit status is not 0."""
    record = execution.check(engine, request.name, request.spec)
    reason = _needless(record.process.pid if record.process else 0, request)
    if reason:
        return Outcome(result={"msg": reason, "rc": 0, "stdout": "", "stderr": ""})
    actions = (f"ran {request.spec.argv[0]} in {record.name}",)
    if engine.predicting:
        return Outcome(actions)
    if request.detach:
        return Outcome(actions, result={"exec_id": _detach(engine, request)})
    return _run(engine, request, actions)


def _needless(pid: int, request: ExecRequest) -> str:
    """Return the reason to skip the command, "" if there is none."""
    from ..._engine.lifecycle.exec.readable import exists

    if request.creates is not None and exists(pid, request.creates):
        return f"skipped, since {request.creates} exists"
    if request.removes is not None and not exists(pid, request.removes):
        return f"skipped, since {request.removes} does not exist"
    return ""


def _detach(engine: Engine, request: ExecRequest) -> str:
    from ..._engine.agent.install import exec_exit_command
    from ..._engine.lifecycle.exec.detached import detach

    return detach(engine, request.name, request.spec, exec_exit_command(engine))


def _run(engine: Engine, request: ExecRequest, actions: tuple[str, ...]) -> Outcome:
    try:
        session, done = execution.execute(
            engine, request.name, request.spec, stdin=request.stdin, timeout=request.timeout
        )
    except EngineError as error:
        error.fields.setdefault("actions", list(actions))
        raise
    said = {
        "stdout": _text(done.stdout, strip=request.strip),
        "stderr": _text(done.stderr, strip=request.strip),
    }
    result = {"exec_id": session, "rc": done.code, **said}
    warnings = tuple(_cut({"stdout": done.stdout, "stderr": done.stderr}))
    if done.code != 0:
        raise ContainerFailed(
            f"{request.spec.argv[0]} exited with status {done.code} in container {request.name}",
            remedy="See stderr and stdout",
            changed=True,
            warnings=warnings,
            **result,
        )
    return Outcome(actions, result=result, warnings=warnings)


def _cut(said: Mapping[str, bytes]) -> Iterator[str]:
    """Yield a warning for each stream that was truncated."""
    for name, data in said.items():
        if len(data) >= OUTPUT_LIMIT:
            yield f"{name} was truncated at {OUTPUT_LIMIT >> 20} MiB: write to a file in the container and copy that"


def _text(said: bytes, *, strip: bool) -> str:
    text = said.decode("utf-8", "replace")
    return text.strip("\r\n") if strip else text
