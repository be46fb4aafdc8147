# SPDX-License-Identifier: GPL-3.0-or-later
"""Run programs: with an argument list only, a clean environment, a deadline and bounded output."""

from __future__ import annotations

import fcntl
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Optional, Protocol, Union

from ..errors import CommandFailed, CommandTimeout, HostLacks
from ..frozen import dataclass

#: Programs are found and run in the same way regardless of how the caller was started (ssh, sudo, conmon,
#: systemd).
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": SEARCH_PATH, "LC_ALL": "C"}

#: The most bytes kept of each stream; the rest is read and dropped, so that the program never blocks.
OUTPUT_LIMIT = 1 << 20

_STEP = 1 << 16
#: <linux/fcntl.h>; Python has the name from 3.10 on.
F_GETPIPE_SZ = 1032

#: Seconds between checks whether a program has exited: its background processes may hold the pipes open
#: forever.
_LOOK = 0.05

#: Seconds that a killed program may take to exit.
_DYING = 2.0

_ERROR_TAIL = 2000


@dataclass(frozen=True)
class Completed:
    """A program's result: ``returncode`` is negative, -N, if signal N killed it."""

    returncode: int
    stdout: bytes
    stderr: bytes


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    env: Optional[Mapping[str, str]] = None,
    stdin: bytes = b"",
    pass_fds: Sequence[int] = (),
    cwd: Optional[str] = None,
    check: bool = True,
) -> Completed:
    """Run ``argv`` for at most ``timeout`` seconds; ``env`` is added to ENVIRONMENT.

    Raises HostLacks if the program does not exist, CommandTimeout after killing its process group, and
    CommandFailed if ``check`` is set and it exits with a status other than 0.
    """
    program = find_program(argv[0])
    if program is None:
        raise HostLacks(
            f"the program {argv[0]} is not installed",
            remedy="Apply the role slipway.oci.host, which installs what the engine needs",
            program=argv[0],
        )
    process = subprocess.Popen(
        [program, *argv[1:]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**ENVIRONMENT, **(env or {})},
        pass_fds=pass_fds,
        cwd=cwd,
        start_new_session=True,  # a process group of its own, to be killed as one
        bufsize=0,
    )
    try:
        completed = _attend(process, argv[0], stdin, timeout)
    finally:
        _release(process)
    if check and completed.returncode != 0:
        raise _failed(argv[0], completed)
    return completed


def detach(
    argv: Sequence[str],
    *,
    program: Optional[str] = None,
    keep: Sequence[int] = (),
    stderr: Optional[int] = None,
) -> int:
    """Start a program that outlives this process, in its own session, as daemon(7) does; return its PID.

    The caller need not wait for it. ``program`` is its path if ``argv[0]`` is not. It inherits the
    descriptors ``keep`` under the same numbers, and ``stderr`` as its standard error.
    """
    reader, writer = os.pipe()
    between = os.fork()
    if between == 0:
        try:
            os.setsid()
            last = os.fork()
            if last == 0:
                _become(program or argv[0], argv, keep, stderr)
            os.write(writer, b"%d" % last)
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb", buffering=0) as told:
        os.waitpid(between, 0)
        return int(told.read(32))


def _become(program: str, argv: Sequence[str], keep: Sequence[int], stderr: Optional[int]) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for fd, to in ((null, 0), (null, 1), (null if stderr is None else stderr, 2)):
        os.dup2(fd, to)
    for fd in keep:
        os.set_inheritable(fd, True)
    os.chdir("/")
    os.execve(program, [*argv], ENVIRONMENT)  # noqa: S606


def run_to_file(argv: Sequence[str], output: str, *, timeout: float) -> int:
    """Run ``argv`` with its output going to a file, and return its exit code.

    Its background processes are not waited for. Raises OSError, and CommandTimeout after killing its process
    group.
    """
    with open(output, "wb") as stream:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=ENVIRONMENT,
            start_new_session=True,
        )
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        _kill_group(process)
        raise CommandTimeout(
            f"{argv[0]} did not exit within {timeout:g} s and was killed", program=argv[0], timeout=timeout
        ) from None
    except BaseException:  # also on an interrupt: no program outlives the call that runs it
        _kill_group(process)
        raise
    finally:
        _release(process)


def find_program(name: str, *, extra: Sequence[str] = ()) -> Optional[str]:
    """Return the path of a program in SEARCH_PATH or the directories ``extra``; only check a given path."""
    if "/" in name:
        return name if _is_program(name) else None
    candidates = (os.path.join(place, name) for place in (*SEARCH_PATH.split(":"), *extra))
    return next(filter(_is_program, candidates), None)


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _attend(process: subprocess.Popen[bytes], name: str, stdin: bytes, timeout: float) -> Completed:
    """Feed and read the program until it exits."""
    conversation = Conversation(process, stdin)
    try:
        ended = conversation.hold(time.monotonic() + timeout)
    except BaseException:  # also on an interrupt: no program outlives the call that runs it
        _kill_group(process)
        raise
    finally:
        conversation.close()
    if ended:
        return Completed(process.wait(), bytes(conversation.stdout), bytes(conversation.stderr))
    _kill_group(process)
    raise CommandTimeout(
        f"{name} did not exit within {timeout:g} s and was killed",
        remedy="Find out what it waits for, then try again",
        program=name,
        timeout=timeout,
        stderr=_tail(conversation.stderr),
    )


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # Once the process has been waited for, the number may belong to another group.
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)


def _release(process: subprocess.Popen[bytes]) -> None:
    """Release a program that has exited or was killed.

    The wait is short: a program may hang in the kernel because a file server is gone.
    """
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_DYING)


class Program(Protocol):
    """A process with up to three pipes: a subprocess.Popen, or an object with its interface."""

    @property
    def stdin(self) -> Optional[IO[bytes]]:
        """Return the pipe to its standard input."""

    @property
    def stdout(self) -> Optional[IO[bytes]]:
        """Return the pipe from its standard output."""

    @property
    def stderr(self) -> Optional[IO[bytes]]:
        """Return the pipe from its standard error."""

    def poll(self) -> Optional[int]:
        """Return the exit code, or None while it runs."""

    def wait(self, timeout: Optional[float] = None) -> int:
        """Wait for the exit code; raises subprocess.TimeoutExpired."""


class Conversation:
    """The three pipes of a program, served as they become ready."""

    def __init__(self, process: Program, stdin: bytes) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()
        self._process = process
        self._unsent = memoryview(stdin)
        self._selector = selectors.DefaultSelector()
        self._add(process.stdin, selectors.EVENT_WRITE, None)
        self._add(process.stdout, selectors.EVENT_READ, self.stdout)
        self._add(process.stderr, selectors.EVENT_READ, self.stderr)

    def hold(self, deadline: float) -> bool:
        """Serve the pipes until the program has exited; return False if the deadline comes first."""
        while self._selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            # Checked before reading: all of its output is in the pipes by then; later output is not its own.
            if self._process.poll() is not None:
                self._drain()
                return True
            for key, _ignored in self._selector.select(min(left, _LOOK)):
                self._serve(key)
        return self._wait(deadline)

    def _drain(self) -> None:
        """Read what the pipes still contain."""
        for key in self._selector.get_map().values():
            if key.data is not None:
                key.data.extend(rest(key.fd)[: OUTPUT_LIMIT - len(key.data)])

    def close(self) -> None:
        """Stop watching the pipes."""
        self._selector.close()

    def _wait(self, deadline: float) -> bool:
        """Wait for a program that has closed its pipes; return False at the deadline."""
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        return True

    def _add(self, pipe: Optional[IO[bytes]], event: int, kept: Optional[bytearray]) -> None:
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, event, kept)

    def _serve(self, key: selectors.SelectorKey) -> None:
        more = self._send(key.fd) if key.data is None else _receive(key.fd, key.data)
        if not more:
            self._selector.unregister(key.fileobj)
            if key.data is None and self._process.stdin is not None:
                self._process.stdin.close()  # end of file for the program

    def _send(self, fd: int) -> bool:
        try:
            self._unsent = self._unsent[os.write(fd, self._unsent[:_STEP]) :]
        except BlockingIOError:  # the pipe has room, but not for all of a small write
            return True
        except BrokenPipeError:  # it reads no more; its exit code shows whether that is an error
            return False
        return bool(self._unsent)


def rest(fd: int) -> bytes:
    """Return what a non-blocking pipe contains, at most its capacity, even if others keep writing."""
    found, room = bytearray(), fcntl.fcntl(fd, F_GETPIPE_SZ)
    with suppress(BlockingIOError):
        while room > 0 and (piece := os.read(fd, room)):
            found += piece
            room -= len(piece)
    return bytes(found)


def _receive(fd: int, kept: bytearray) -> bool:
    piece = os.read(fd, _STEP)
    kept += piece[: OUTPUT_LIMIT - len(kept)]
    return bool(piece)


def _failed(name: str, completed: Completed) -> CommandFailed:
    code = completed.returncode
    said = _tail(completed.stderr)
    ended = f"was killed by signal {-code}" if code < 0 else f"exited with status {code}"
    last = said.splitlines()[-1] if said else "no error output"
    return CommandFailed(f"{name} {ended}: {last}", program=name, returncode=code, stderr=said)


def _tail(stderr: Union[bytes, bytearray]) -> str:
    return stderr[-_ERROR_TAIL:].decode("utf-8", "replace").strip()
