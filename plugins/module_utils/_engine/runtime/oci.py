# SPDX-License-Identifier: GPL-3.0-or-later
"""Speak to the OCI runtime, crun or runc: find it, start, ask, signal, delete.

Creating is conmon's part (conmon.py). Source: runc(8), crun(1), OCI runtime-spec 1.0.2 runtime.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import Optional

from ..errors import HostLacks, RuntimeFailed
from ..frozen import dataclass
from ..kernel import command
from ..kernel.cgroup import cgroups
from ..model.engine.layout import Layout
from ..model.values import jsontext
from . import null_device
from .programs import REMEDY, Program, describe_program

#: The oldest that pass our tests; older ones miss log formats and cgroup features that we use.
_LEAST = {"crun": (1, 8), "runc": (1, 1)}
#: Generous: a runtime answers in milliseconds, but a host under load may not.
_TIMEOUT = 60.0
#: A checkpoint writes all of the container's memory to the disk; to cut it off half-way would harm the container.
_DUMP_TIMEOUT = 24 * 3600.0
#: Where a runtime keeps what it knows of a container, below ROOT/ID: crun, runc.
_STATE_FILES = ("status", "state.json")
_TEXT_LOG = re.compile(r'^time="[^"]*" level=\w+ msg="(.*)"$')
#: How much of a runtime's words is handed on.
_MOST_TEXT = 2000
#: How much of its log is read.
_MOST_LOG = 64 * 1024


@dataclass(frozen=True)
class RuntimeState:
    """What the runtime knows: status created, running, paused or stopped; pid None when it ended."""

    status: str
    pid: Optional[int]


def find_runtime(name: str | None = None, *, root: str = Layout().runtime_root) -> OciRuntime:
    """Return the runtime named (a name or a path), or the one that suits this host; raises HostLacks.

    Only looks; a runtime that is too old is told by ``describe``, since every process costs milliseconds.
    """
    for candidate in (name,) if name else _candidates():
        path = command.find_program(candidate)
        if path:
            return OciRuntime(path, os.path.basename(path), root)
    what = f"the OCI runtime {name!r} is" if name else "no OCI runtime (crun or runc) is"
    raise HostLacks(
        f"{what} not installed" if name else f"{what} installed", remedy=REMEDY, program=name or "crun"
    )


def _candidates() -> tuple[str, ...]:
    # On a hybrid host crun takes the mounted cgroup2 hierarchy for the one with the controllers, and refuses
    # every container that has a limit; runc uses the v1 hierarchies there.
    return ("runc", "crun") if cgroups.version() == "hybrid" else ("crun", "runc")


@dataclass(frozen=True)
class OciRuntime:
    """A runtime and the directory of its state (``--root``)."""

    path: str
    name: str
    root: str

    def create(self, container_id: str, bundle: str, *, options: Sequence[str] = ()) -> None:
        """Create the container without a monitor; raises RuntimeFailed with the runtime's own words.

        Its log and what it prints go to files of the bundle: the container holds its output open as long as it lives.
        """
        log, output = f"{bundle}/trial-log", f"{bundle}/trial-output"
        argv = [self.path, "--root", self.root, "--log", log, "--log-format", "json", *options]
        argv += ["create", "--bundle", bundle, container_id]
        with null_device.kept():
            code = command.run_to_file(argv, output, timeout=_TIMEOUT)
        if code != 0:
            text = _tail(log) or _tail(output) or f"exit code {code}, no message"
            text = text.removeprefix(f"{self.name} create failed: ")
            raise RuntimeFailed(f"{self.name} create: {text}", runtime=self.name, id=container_id)

    def start(self, container_id: str) -> None:
        """Let the created container run its command; raises RuntimeFailed with the runtime's own words."""
        with null_device.kept():
            self._run("start", container_id)

    def state(self, container_id: str) -> RuntimeState | None:
        """Return what the runtime knows, None when it does not know the container."""
        if not self._knows(container_id):
            return None
        done = self._call("state", container_id)
        if done.returncode == 0:
            return parse_state(done.stdout)
        if not self._knows(container_id):
            return None
        raise self._failed("state", container_id, done)

    def kill(self, container_id: str, signum: int, everything: bool = False) -> bool:  # noqa: FBT001, FBT002
        """Send a signal to the first process, or to all; False when the container has no process left."""
        done = self._call("kill", *(("--all",) if everything else ()), container_id, str(signum))
        if done.returncode == 0:
            return True
        state = self.state(container_id)
        if state is None or state.status == "stopped":
            return False
        raise self._failed("kill", container_id, done)

    def pause(self, container_id: str) -> None:
        """Freeze all of the container's processes."""
        self._run("pause", container_id)

    def resume(self, container_id: str) -> None:
        """Let a frozen container go on."""
        self._run("resume", container_id)

    def update(self, container_id: str, resources: str) -> None:
        """Change the limits of a container that runs to those in the file ``resources`` (OCI ``linux.resources``)."""
        done = self._call("update", "--resources", resources, container_id)
        if done.returncode != 0:
            raise self._failed("update", container_id, done)

    def checkpoint(self, container_id: str, images: str, work: str, options: Sequence[str]) -> None:
        """Write the container's processes to the directory ``images``; they end, unless told otherwise.

        CRIU's log, ``dump.log``, goes to the directory ``work``.
        """
        words = ("--image-path", images, "--work-path", work, *options)
        done = self._call("checkpoint", *words, container_id, timeout=_DUMP_TIMEOUT)
        if done.returncode != 0:
            raise self._failed("checkpoint", container_id, done)

    def delete(self, container_id: str, force: bool = False) -> None:  # noqa: FBT001, FBT002
        """Make the runtime forget the container, if it knows it; ``force`` kills it first."""
        if not os.path.isdir(f"{self.root}/{container_id}"):
            return  # saves a process; the runtime would say the same
        done = self._call("delete", *(("--force",) if force else ()), container_id)
        if done.returncode != 0 and (force or self._knows(container_id)):
            raise self._failed("delete", container_id, done)

    def describe(self) -> Program:
        """Return name, path and version; raises HostLacks for one that is too old."""
        return describe_program(self.name, self.path, least=_LEAST.get(self.name))

    def _knows(self, container_id: str) -> bool:
        # A file tells it, not words of an error message, which differ by runtime and version.
        return any(os.path.exists(f"{self.root}/{container_id}/{name}") for name in _STATE_FILES)

    def _call(self, verb: str, *arguments: str, timeout: float = _TIMEOUT) -> command.Completed:
        argv = [self.path, "--root", self.root, "--log-format", "json", verb, *arguments]
        return command.run(argv, timeout=timeout, check=False)

    def _run(self, verb: str, container_id: str) -> None:
        done = self._call(verb, container_id)
        if done.returncode != 0:
            raise self._failed(verb, container_id, done)

    def _failed(self, verb: str, container_id: str, done: command.Completed) -> RuntimeFailed:
        text = error_text(done.stderr.decode(errors="replace")) or f"exit code {done.returncode}, no message"
        return RuntimeFailed(f"{self.name} {verb}: {text}", runtime=self.name, id=container_id)


def _tail(path: str) -> str:
    """Return what the end of a log says."""
    try:
        with open(path, "rb") as stream:
            stream.seek(max(0, os.stat(path).st_size - _MOST_LOG))
            return error_text(stream.read().decode(errors="replace"))
    except FileNotFoundError:
        return ""


def parse_state(output: bytes) -> RuntimeState:
    """Return what `state` printed; raises RuntimeFailed for what is no state of a container."""
    try:
        data = jsontext.parse_object(output)
    except ValueError as error:
        raise RuntimeFailed(f"the OCI runtime printed no state of the container: {error}") from error
    status, pid = data.get("status"), data.get("pid")
    if not isinstance(status, str) or not isinstance(pid, (int, type(None))):
        raise RuntimeFailed(f"the OCI runtime printed no state of the container: {str(data)[:_MOST_TEXT]}")
    return RuntimeState(status, pid or None)


def error_text(log: str) -> str:
    """Return what a runtime's log (``--log``, or its stderr) says, without time stamps and levels.

    Errors when there are any, else all lines: crun writes plain text where it could not open its log.
    """
    entries = list(_entries(log))
    errors = [text for level, text in entries if level in ("error", "fatal", "")]
    texts = errors or [text for _level, text in entries]
    return "; ".join(dict.fromkeys(texts))[-_MOST_TEXT:]


def _entries(log: str) -> Iterator[tuple[str, str]]:
    for raw in log.splitlines():
        line = raw.strip()
        if line:
            yield _entry(line)


def _entry(line: str) -> tuple[str, str]:
    """Return level and message of a JSON line, of logrus' text form, or ``""`` and the line itself."""
    try:
        data = jsontext.parse(line)
    except ValueError:
        match = _TEXT_LOG.match(line)
        return "", (match[1].replace('\\"', '"').replace("\\n", " ") if match else line).strip()
    if not isinstance(data, dict):
        return "", line
    return str(data.get("level", "")), str(data.get("msg", line)).strip()
