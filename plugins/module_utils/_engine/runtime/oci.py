# SPDX-License-Identifier: GPL-3.0-or-later
"""Call the OCI runtime, crun or runc: find it, start, query, signal and delete containers.

Containers are created through conmon (conmon.py). Source: runc(8), crun(1), OCI runtime-spec 1.0.2
runtime.md.
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

#: The oldest versions that pass our tests; older ones lack log formats and cgroup features that the engine
#: uses.
_LEAST = {"crun": (1, 8), "runc": (1, 1)}
#: In seconds. Generous: a runtime answers in milliseconds, but a loaded host may be slow.
_TIMEOUT = 60.0
#: In seconds. A checkpoint writes all of the container's memory to disk; interrupting it would harm the
#: container.
_DUMP_TIMEOUT = 24 * 3600.0
#: The file below ROOT/ID in which a runtime keeps a container's state: crun's, runc's.
_STATE_FILES = ("status", "state.json")
_TEXT_LOG = re.compile(r'^time="[^"]*" level=\w+ msg="(.*)"$')
#: The most characters of a runtime's messages that an error quotes.
_MOST_TEXT = 2000
#: The most bytes of its log that are read.
_MOST_LOG = 64 * 1024


@dataclass(frozen=True)
class RuntimeState:
    """A container's state: created, running, paused or stopped; ``pid`` is None after the exit."""

    status: str
    pid: Optional[int]


def find_runtime(name: str | None = None, *, root: str = Layout().runtime_root) -> OciRuntime:
    """Return the named runtime (a name or a path), or the one that suits this host; raises HostLacks.

    It does not check the version, because every process costs milliseconds; ``describe`` does.
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
    # On a hybrid host crun assumes that the mounted cgroup2 hierarchy has the controllers and refuses every
    # container with a limit; runc uses the v1 hierarchies there.
    return ("runc", "crun") if cgroups.version() == "hybrid" else ("crun", "runc")


@dataclass(frozen=True)
class OciRuntime:
    """A runtime and its state directory (``--root``)."""

    path: str
    name: str
    root: str

    def create(self, container_id: str, bundle: str, *, options: Sequence[str] = ()) -> None:
        """Create the container without a monitor; raises RuntimeFailed with the runtime's message.

        The runtime's log and output go to files in the bundle, because the container keeps its output open
        while it runs.
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
        """Start the created container's command; raises RuntimeFailed with the runtime's message."""
        with null_device.kept():
            self._run("start", container_id)

    def state(self, container_id: str) -> RuntimeState | None:
        """Return the container's state, or None if the runtime does not know the container."""
        if not self._knows(container_id):
            return None
        done = self._call("state", container_id)
        if done.returncode == 0:
            return parse_state(done.stdout)
        if not self._knows(container_id):
            return None
        raise self._failed("state", container_id, done)

    def kill(self, container_id: str, signum: int, everything: bool = False) -> bool:  # noqa: FBT001, FBT002
        """Send a signal to the first process, or to all; return False if no process is left."""
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
        """Thaw a frozen container."""
        self._run("resume", container_id)

    def update(self, container_id: str, resources: str) -> None:
        """Set the running container's limits from the file ``resources`` (OCI ``linux.resources``)."""
        done = self._call("update", "--resources", resources, container_id)
        if done.returncode != 0:
            raise self._failed("update", container_id, done)

    def checkpoint(self, container_id: str, images: str, work: str, options: Sequence[str]) -> None:
        """Checkpoint the container to the directory ``images``; it exits unless an option keeps it running.

        CRIU's log, ``dump.log``, goes to the directory ``work``.
        """
        words = ("--image-path", images, "--work-path", work, *options)
        done = self._call("checkpoint", *words, container_id, timeout=_DUMP_TIMEOUT)
        if done.returncode != 0:
            raise self._failed("checkpoint", container_id, done)

    def delete(self, container_id: str, force: bool = False) -> None:  # noqa: FBT001, FBT002
        """Delete the runtime's state of the container, if any; ``force`` kills the container first."""
        if not os.path.isdir(f"{self.root}/{container_id}"):
            return  # saves a process; the runtime would report the same
        done = self._call("delete", *(("--force",) if force else ()), container_id)
        if done.returncode != 0 and (force or self._knows(container_id)):
            raise self._failed("delete", container_id, done)

    def describe(self) -> Program:
        """Return name, path and version; raises HostLacks if the version is too old."""
        return describe_program(self.name, self.path, least=_LEAST.get(self.name))

    def _knows(self, container_id: str) -> bool:
        # Look for a file: the wording of error messages differs by runtime and version.
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
    """Return the error text at the end of a log."""
    try:
        with open(path, "rb") as stream:
            stream.seek(max(0, os.stat(path).st_size - _MOST_LOG))
            return error_text(stream.read().decode(errors="replace"))
    except FileNotFoundError:
        return ""


def parse_state(output: bytes) -> RuntimeState:
    """Parse the output of the ``state`` command; raises RuntimeFailed if it is invalid."""
    try:
        data = jsontext.parse_object(output)
    except ValueError as error:
        raise RuntimeFailed(f"the OCI runtime printed an invalid container state: {error}") from error
    status, pid = data.get("status"), data.get("pid")
    if not isinstance(status, str) or not isinstance(pid, (int, type(None))):
        raise RuntimeFailed(f"the OCI runtime printed an invalid container state: {str(data)[:_MOST_TEXT]}")
    return RuntimeState(status, pid or None)


def error_text(log: str) -> str:
    """Return the messages of a runtime's log (``--log``, or its stderr) without time stamps and levels.

    Return errors if there are any, else all lines: crun writes plain text if it can't open its log.
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
    """Return a line's level and message; ``""`` and the text for a line that is not JSON."""
    try:
        data = jsontext.parse(line)
    except ValueError:
        match = _TEXT_LOG.match(line)
        return "", (match[1].replace('\\"', '"').replace("\\n", " ") if match else line).strip()
    if not isinstance(data, dict):
        return "", line
    return str(data.get("level", "")), str(data.get("msg", line)).strip()
