# SPDX-License-Identifier: GPL-3.0-or-later
"""Run aardvark-dns, the DNS server for container names: its files, one per network, and its process, one per directory.

Everything acts in the network namespace of the caller, which must hold a lock. What a kill leaves is found by the next call:
the process is identified by its directory argument, and the PID in its file is only a hint.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Optional

from ..errors import CommandFailed, HostLacks
from ..kernel import command, procstat
from ..kernel.process import Process, find_by_argument

PROGRAM = "aardvark-dns"
#: The directories in which distributions install podman's helpers.
PLACES = ("/usr/libexec/podman", "/usr/lib/podman")
PORT = 53
_PID_FILE = "aardvark.pid"
#: In seconds; it daemonizes within milliseconds, and listens soon after.
_TIMEOUT, _PATIENCE, _SOON = 10.0, 2.0, 0.002
#: A second attempt, if the process was just about to exit.
_TRIES = 2


def find() -> Optional[str]:
    """Return the program's path, None if it is not installed."""
    return command.find_program(PROGRAM, extra=PLACES)


def names(directory: str) -> list[str]:
    """Return the names of the network files."""
    try:
        return [name for name in os.listdir(directory) if name != _PID_FILE]
    except FileNotFoundError:
        return []


def read(directory: str, name: str) -> str:
    """Return the content of a network's file, "" if there is none."""
    try:
        with open(os.path.join(directory, name), encoding="ascii") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def write(directory: str, name: str, text: str) -> None:
    """Replace a network's file atomically; "" removes it."""
    os.makedirs(directory, mode=0o700, exist_ok=True)
    path = os.path.join(directory, name)
    if not text:
        with suppress(FileNotFoundError):
            os.unlink(path)
        return
    beside = f"{directory}.new"  # not in the directory, where each file belongs to a network
    with open(beside, "w", encoding="ascii") as stream:
        stream.write(text)
    os.rename(beside, path)


def running(directory: str) -> Optional[Process]:
    """Return the process that serves this directory, None if there is none."""
    noted = _noted(directory)
    if noted is not None and _is_ours(noted, directory):
        return Process.of(noted)
    found = (one for one in find_by_argument(directory) if _is_ours(one.pid, directory))
    return next(found, None)


def reload(directory: str, addresses: Sequence[str], move: Callable[[int], None]) -> None:
    """Reload the process, or start it; return when it listens on the addresses.

    ``move`` moves a new process (its PID) out of the caller's cgroup. Raises HostLacks if the program is not installed,
    CommandFailed or CommandTimeout if it does not start or listen.
    """
    for _try in range(_TRIES):
        process = running(directory)
        if process is None:
            process = _started(directory, move)
        else:
            process.signal(signal.SIGHUP)
        if process is not None and _listens(process, addresses):
            _note(directory)
            return
        if process is not None and process.alive():
            break
    raise CommandFailed(
        f"{PROGRAM} does not listen on port {PORT} of {', '.join(addresses)}", program=PROGRAM
    )


def is_told(directory: str) -> bool:
    """Return whether the process runs, and has read the current files."""
    return _has_read(directory) and running(directory) is not None


def has_missed(directory: str) -> bool:
    """Return whether the process runs, but has missed a change, because the process that made it was killed."""
    return not _has_read(directory) and running(directory) is not None


def end(directory: str) -> None:
    """Kill the process, and remove the directory and its content.

    By itself it would exit some seconds later, and a network added meanwhile would be lost. SIGTERM takes a second, and it has
    nothing to save.
    """
    process = running(directory)
    if process is not None:
        process.signal(signal.SIGKILL)
        process.wait_gone(_PATIENCE)
    files = (os.path.join(directory, name) for name in (_PID_FILE, *names(directory)))
    for path in (f"{directory}.new", *files):
        with suppress(FileNotFoundError):
            os.unlink(path)
    with suppress(FileNotFoundError):
        os.rmdir(directory)


def _started(directory: str, move: Callable[[int], None]) -> Optional[Process]:
    program = find()
    if program is None:
        raise HostLacks(
            f"the program {PROGRAM} is not installed", remedy="Apply role slipway.oci.host", program=PROGRAM
        )
    command.run([program, "--config", directory, "-p", str(PORT), "run"], timeout=_TIMEOUT)
    process = running(directory)
    if process is not None:
        move(process.pid)
    return process


def _note(directory: str) -> None:
    """Record in the PID file which state of the directory the process has read: added and removed files change its mtime."""
    seen = os.stat(directory)
    with suppress(FileNotFoundError):
        os.utime(os.path.join(directory, _PID_FILE), ns=(seen.st_mtime_ns, seen.st_mtime_ns))


def _has_read(directory: str) -> bool:
    try:
        noted = os.stat(os.path.join(directory, _PID_FILE)).st_mtime_ns
    except FileNotFoundError:
        return False
    return noted == os.stat(directory).st_mtime_ns


def _noted(directory: str) -> Optional[int]:
    try:
        with open(os.path.join(directory, _PID_FILE), encoding="ascii") as stream:
            return int(stream.read(32))
    except (FileNotFoundError, ValueError):  # the file is just being written
        return None


def _is_ours(pid: int, directory: str) -> bool:
    """Return whether a process is the program, started with this directory; the PID may have been reused."""
    arguments = procstat.read(pid, "cmdline").split(b"\0")
    return os.path.basename(arguments[0]) == PROGRAM.encode() and os.fsencode(directory) in arguments


def _listens(process: Process, addresses: Sequence[str]) -> bool:
    """Wait until the process has a socket on each address; return False if it exits, or at the timeout."""
    wanted = {_local(address) for address in addresses}
    deadline = time.monotonic() + _PATIENCE
    while process.alive():
        if wanted <= {local for local, inode in _bound() if inode in _sockets(process.pid)}:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_SOON)
    return False


def _local(address: str) -> str:
    """Return address and port in the format of /proc/net/udp: 32-bit words in host byte order."""
    packed = socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    words = (int.from_bytes(packed[at : at + 4], sys.byteorder) for at in range(0, len(packed), 4))
    return f"{''.join(f'{word:08X}' for word in words)}:{PORT:04X}"


def _bound() -> Iterator[tuple[str, str]]:
    """Yield the local address and the inode of each UDP socket in this network namespace."""
    for name in ("udp", "udp6"):
        with suppress(FileNotFoundError), open(f"/proc/thread-self/net/{name}", encoding="ascii") as stream:
            for words in map(str.split, stream.read().splitlines()[1:]):
                yield words[1], words[9]


def _sockets(pid: int) -> set[str]:
    """Return the inodes of a process's sockets."""
    found = set()
    with suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                found.add(os.readlink(f"/proc/{pid}/fd/{fd}").removeprefix("socket:[").rstrip("]"))
    return found
