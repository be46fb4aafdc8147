# SPDX-License-Identifier: GPL-3.0-or-later
"""The edges at which texts are read: requests, health, accounts, output of runtime, monitor and plugins, logs, hooks."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from edge import Edge, Fault
from grafting import grafted

_REQUESTS = (
    {
        "verb": "exec",
        "name": "box",
        "mark": "m ",
        "user": "0",
        "argv": ["id"],
        "env": {"A": "1"},
        "workdir": "/",
    },
    {
        "verb": "put",
        "name": "box",
        "mark": "m ",
        "path": "/a",
        "mode": 420,
        "size": 3,
        "segments": [[0, 3]],
        "file": [1, 2],
    },
    {"verb": "fetch", "name": "box", "mark": "m ", "path": "/a", "offset": 0, "most": 10, "file": None},
    {
        "verb": "exec",
        "name": "box",
        "mark": "m ",
        "argv": ["id"],
        "become": {"prompts": ["word:"], "password": "p", "success": "S"},
    },
)


def _framed(text: bytes) -> bytes:
    return b"%08d%s" % (len(text), text)


def _connect(work: Path) -> Callable[[bytes], None]:
    """Call `slipway connect` as its launcher does: the request on descriptor 0, the answers on 1 and 2."""
    from _engine.agent.connect.main import connect
    from _engine.lifecycle.host.opening import open_engine

    with open_engine(str(work / "root"), str(work / "run")):
        pass
    framed = (
        lambda data: data,
        _framed,
        *(lambda data, good=good: _framed(grafted(good, data)) for good in _REQUESTS),
    )
    answers = os.open(work / "answers", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def read(data: bytes) -> None:
        frame = framed[data[0] % len(framed)](data[1:]) if data else b""
        os.ftruncate(answers, 0)
        with _descriptors(_file(frame), answers):
            code = connect(str(work / "root"), str(work / "run"))
        if code not in (2, 125):
            raise Fault(f"a request for a container that is not there ends with {code}")

    return read


def _connect_seeds() -> list[bytes]:
    good = [json.dumps(one).encode() for one in _REQUESTS]
    return [
        b"\0" + _framed(b"{}"),
        *(b"\1" + one for one in good),
        *(bytes((number, 0, 0)) for number in range(2, 6)),
    ]


def _file(content: bytes) -> int:
    fd = os.memfd_create("request")
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


class _descriptors:  # noqa: N801 (reads as a statement)
    """Put others in the place of descriptors 0, 1 and 2."""

    def __init__(self, stdin: int, answers: int) -> None:
        self._others = (stdin, answers, answers)

    def __enter__(self) -> None:
        self._saved = [os.dup(fd) for fd in range(3)]
        for fd, other in enumerate(self._others):
            os.dup2(other, fd)
        os.close(self._others[0])

    def __exit__(self, *_exception: object) -> None:
        for fd, saved in enumerate(self._saved):
            os.dup2(saved, fd)
            os.close(saved)


def _health(work: Path) -> Callable[[bytes], None]:
    from _engine.lifecycle.inspect.health import health_shape
    from _engine.model.engine.layout import Layout
    from _engine.runtime import healthfile

    container = Layout(str(work / "root"), str(work / "run")).container("0" * 64)
    Path(container.health).parent.mkdir(parents=True)
    good = json.loads(_health_seeds()[-1])

    def read(data: bytes) -> None:
        Path(container.health).write_bytes(data if data[:1] == b"{" else grafted(good, data))
        health = healthfile.read(container)
        if health is not None:
            json.dumps(health_shape(health))

    return read


def _health_seeds() -> list[bytes]:
    from _engine.model.container.health import Health

    return [
        json.dumps(Health(1).encode()).encode(),
        json.dumps({**Health(1).encode(), "log": [[1, 2, 0, "ok"]]}).encode(),
    ]


def _passwd(_work: Path) -> Callable[[bytes], None]:
    """Read an input of four parts, divided by NUL bytes: the user, an added group, passwd, group."""
    from _engine.errors import EngineError
    from _engine.runtime.config import users

    def read(data: bytes) -> None:
        parts = (data.decode("utf-8", "surrogateescape").split("\0", 3) + [""] * 4)[:4]
        user, added, passwd, group = parts
        try:
            users.resolve(user, (added,) if added else (), passwd=passwd, group=group)
            users.find_uid("owner", user, passwd=passwd)
            users.find_gid("group", added, group=group)
        except EngineError:
            return

    return read


_RUNTIME_SEEDS = (
    b'{"status": "running", "pid": 7}',
    b'{"ociVersion": "1.0.0", "id": "a", "pid": 0, "status": "stopped", "bundle": "/b", "annotations": {}}',
    b'{"level": "error", "msg": "exec: no such file", "time": "2026-01-01T00:00:00Z"}\n{"level": "info", "msg": "x"}',
    b'time="2026-01-01T00:00:00Z" level=error msg="it \\"failed\\""',
    b'{"pid": 7}\n',
    b'{"data": -1, "message": "container creation failed"}\n',
    b"137",
)


def _runtime(work: Path) -> Callable[[bytes], None]:
    from _engine.errors import EngineError
    from _engine.model.engine.layout import Layout
    from _engine.runtime import conmon, exits, oci

    container = Layout(str(work / "root"), str(work / "run")).container("0" * 64)
    exit_file, pid_file = Path(container.exit_file), work / "pid"
    exit_file.parent.mkdir(parents=True)

    def read(data: bytes) -> None:
        oci.error_text(data.decode(errors="replace"))
        exit_file.write_bytes(data)
        exits.read_exit(container)
        pid_file.write_bytes(data)
        conmon.read_process(str(pid_file))
        conmon.first_word(data)
        with contextlib.suppress(EngineError):
            oci.parse_state(data)

    return read


_LOG_SEEDS = (
    b"2026-11-23T22:05:51.235110712+00:00 stdout F one\n2026-11-23T22:05:52.1+00:00 stderr P two",
    b"2026-11-23T22:05:51.235110712+00:00 stdout P a\n2026-11-23T22:05:51.235110712+00:00 stdout F\n",
    b"2026-11-23T22:05:51Z stdout F a\rb\n\n\xff\n",
)


def _logs(work: Path) -> Callable[[bytes], None]:
    from _engine.runtime import logs

    path = work / "ctr.log"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        whole = [line.text for line in logs.read(str(path))]
        logs.streams(str(path))
        for tail in (1, 3):
            last = [line.text for line in logs.read(str(path), tail=tail)]
            if whole[len(whole) - len(last) :] != last:
                raise Fault(f"the last {tail} lines are {last} of {whole}")

    return read


def _hooks(_work: Path) -> Callable[[bytes], None]:
    from _engine.errors import EngineError
    from _engine.model.container import hooks

    def read(data: bytes) -> None:
        try:
            text = data if data[:1] == b"{" else grafted(_HOOK, data)
            hooks.parse("hook.json", text.decode("utf-8", "surrogateescape"))
        except EngineError:
            return

    return read


_PLUGINS = {
    "name": "corp",
    "cniVersion": "1.0.0",
    "plugins": [{"type": "bridge", "ipam": {"type": "host-local"}, "capabilities": {"ips": True}}],
}
_RESULT = {
    "interfaces": [{"name": "eth0", "mac": "02:00:00:00:00:01", "sandbox": "/n"}],
    "ips": [{"interface": 0, "address": "10.1.0.2/24", "gateway": "10.1.0.1"}, {"address": "fd00::2/64"}],
    "dns": {"nameservers": ["10.1.0.1"]},
}


def _cni(work: Path) -> Callable[[bytes], None]:
    """Read an input as a list of plugins, as what one of them prints, and as what lies beside a container."""
    from _engine.errors import EngineError
    from _engine.lifecycle.wiring import plugins
    from _engine.model.container.networks import Wanted
    from _engine.model.network import cni
    from _engine.network import cni as runner

    asked = cni.Request("c", "eth0", {}, {"ips": ["10.1.0.2"]})
    plain = cni.plugins_of(_PLUGINS)
    file = work / "list"

    def read(data: bytes) -> None:
        file.write_bytes(data)
        cni.failure(data)
        with contextlib.suppress(EngineError):
            found = runner.find(str(file))
            json.dumps(cni.config(found, 0, asked, None))
        with contextlib.suppress(EngineError):
            plugins.read_kept(str(file))
        with contextlib.suppress(EngineError):
            plugins.told_by(plain, asked, runner.result_of(plain, 0, data), Wanted("corp"))

    return read


_HOOK = {
    "version": "1.0.0",
    "hook": {"path": "/bin/true", "args": ["true"], "env": ["A=1"], "timeout": 3},
    "when": {"always": True, "annotations": {"^a$": "b"}, "commands": ["^/bin/sh$"], "hasBindMounts": False},
    "stages": ["prestart", "poststop"],
}

EDGES = (
    Edge(
        "connect",
        _connect,
        _connect_seeds,
    ),
    Edge("health", _health, _health_seeds),
    Edge(
        "passwd",
        _passwd,
        lambda: [b"app\0extra\0root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home:/bin/sh\n\0extra:x:7:app\n"],
    ),
    Edge("runtime", _runtime, lambda: list(_RUNTIME_SEEDS)),
    Edge("log", _logs, lambda: list(_LOG_SEEDS)),
    Edge(
        "cni",
        _cni,
        lambda: [
            json.dumps(one).encode()
            for one in (
                _PLUGINS,
                _RESULT,
                {"code": 7, "msg": "no", "details": "room"},
                {
                    "list": _PLUGINS,
                    "checks": True,
                    "request": {"container_id": "c", "interface": "eth0", "args": {}, "capabilities": {}},
                    "result": _RESULT,
                },
            )
        ],
    ),
    Edge("hook", _hooks, lambda: [b"\0\0", json.dumps(_HOOK).encode()]),
)
