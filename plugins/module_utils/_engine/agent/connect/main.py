# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway connect``: the connection plugin runs it on the host for each command and each piece of a file.

The request comes first on the standard input (model.connect.frames), so nothing of it is in an argument list, and no
shell needs quoting. The rest is the command's own input, or the file's content. Keys of the request:

``verb`` (exec, put, fetch), ``name`` (container), ``mark``, ``user`` (None: the container's own), and those of the verb.

This program's own messages are lines on the standard error that begin with the mark, which the caller generates and no
container can know: "began", and an error of the engine, whose exit code is 125.
"""

from __future__ import annotations

import json
import os

from ...errors import EngineError
from ...lifecycle.connect.join import enter, process
from ...model.connect import frames
from ...model.connect import request as connectrequest
from ...model.container.execution import ExecSpec
from ...model.engine.layout import Layout
from ...model.values import utf8
from ...runtime.exec.attend import attended, leave
from ...runtime.exec.join import join
from ...runtime.exec.relay import Pipes, Relay

TYPE_CHECKING = False
if TYPE_CHECKING:  # each millisecond counts here
    from collections.abc import Mapping
    from typing import Any

    from ...runtime.exec.join import Joined
    from ...state.running import Running

_FAILED = 125


def connect(root: str, run_root: str) -> int:
    """Carry out the request on the standard input; return the exit code."""
    try:
        request = _request()
        mark = connectrequest.check_mark(request)
    except ValueError:
        os.write(2, b"slipway connect: only the connection plugin slipway.oci.container can use this verb\n")
        return 2
    # Written first, so that the caller knows whether an exit code is this program's.
    os.write(2, f"{mark}began\n".encode())
    try:
        connectrequest.check(request)
        return _VERBS[request["verb"]](Layout(root, request.get("run_root") or run_root), request)
    except EngineError as error:
        return _failed(request, {"error": error.code, "msg": str(error), **error.fields})
    except OSError as error:  # the container's runtime has been removed, or the host lacks a resource
        return _failed(request, {"error": "os_error", "msg": str(error)})


def _failed(request: Mapping[str, Any], told: Mapping[str, Any]) -> int:
    os.write(2, f"{request['mark']}{json.dumps(utf8.whole(told), default=str)}\n".encode())
    return _FAILED


def _request() -> dict[str, Any]:
    """Read exactly the request: the rest is the command's own input."""
    length = frames.length(_exactly(frames.DIGITS))
    return frames.header(_exactly(length), length)


def _exactly(count: int) -> bytes:
    data = b""
    while len(data) < count and (piece := os.read(0, count - len(data))):
        data += piece
    return data


def _exec(layout: Layout, request: Mapping[str, Any]) -> int:
    found = enter(layout, request["name"])
    spec = ExecSpec(
        tuple(request["argv"]),
        env=request.get("env"),
        user=request.get("user"),
        workdir=request.get("workdir"),
    )
    wanted = process(layout, found, spec)
    if request.get("become"):
        from .become import run_with_password

        return run_with_password(layout, found, wanted, request["become"])
    return _relayed(layout, found, wanted)


def _relayed(layout: Layout, found: Running, wanted: Mapping[str, Any]) -> int:
    pipes = Pipes()

    def begin() -> Joined:
        joined = join(found.runtime, layout.runtime_root, found.id, wanted, streams=pipes.streams)
        pipes.handed_over()
        return joined

    def until_its_end(joined: Joined) -> None:
        Relay(
            pipes.words,
            pipes.complaints,
            pipes.answers,
            pidfd=joined.pidfd,
            has_ended=joined.has_ended,
            left=leave,
        ).until_its_end()

    return attended(begin, until_its_end)


def _put(layout: Layout, request: Mapping[str, Any]) -> int:
    from .files import put

    return put(layout, request)


def _fetch(layout: Layout, request: Mapping[str, Any]) -> int:
    from .files import fetch

    return fetch(layout, request)


_VERBS = {"exec": _exec, "put": _put, "fetch": _fetch}
