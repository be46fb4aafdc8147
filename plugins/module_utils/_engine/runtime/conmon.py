# SPDX-License-Identifier: GPL-3.0-or-later
"""Start conmon, which has the OCI runtime create a container and then monitors it.

conmon writes the container's output to the log, writes the exit file, and runs the exit command. It reports
the result of the creation through the sync pipe. Sources: conmon(8); seed ``createOCIContainer``,
``removeConmonFiles``.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from io import FileIO
from typing import Optional

from ..errors import EngineError, HostLacks, InvalidOption, RuntimeFailed
from ..frozen import dataclass
from ..kernel import command
from ..kernel.process import Process, find_by_argument
from ..model.container.cgroup import CGROUPFS, DISABLED, SYSTEMD
from ..model.engine.layout import ContainerLayout
from ..model.values.jsontext import parse_object
from ..model.values.text import decimal
from . import logfiles, null_device
from .oci import OciRuntime, error_text
from .programs import REMEDY, Program, describe_program

#: Seconds that conmon and the runtime may take to create a container; it usually takes about 30 ms.
_DEADLINE = 30.0
#: The same for a restore, which first reads all of a container's memory from disk.
_RESTORE_DEADLINE = 3600.0
#: Seconds to wait for a killed conmon to exit.
_GONE = 5.0
#: The whole environment of conmon, the runtime and the exit command: no LISTEN_FDS or TMPDIR from the
#: caller's session.
_ENVIRONMENT = {"PATH": command.SEARCH_PATH}
#: Where distributions install conmon outside $PATH.
_EXTRA = ("/usr/libexec/podman", "/usr/lib/podman", "/usr/local/libexec/podman", "/usr/libexec/crio")


@dataclass(frozen=True)
class ConmonLaunch:
    """The parameters of one start of conmon.

    ``exit_command`` is an argv whose program is absolute; conmon runs it when the container exits, and also
    when creating it fails. ``log_path`` None means the container's own log; ``log_size_max`` is in bytes,
    None for no limit. With ``journal`` the log goes to systemd's journal, marked with ``log_tag``. ``move``
    is called with conmon's PID before conmon does anything, to move it out of the caller's cgroup: systemd
    kills whatever is in a session's cgroup (KillUserProcesses=yes). ``cgroup_manager`` creates the
    container's cgroup; ``disabled`` means no cgroup. ``kept`` are descriptors that conmon keeps open until it
    exits, such as those that reserve ports of the host. ``restore`` is the directory of checkpoint images to
    restore from, with ``restore_options`` for the runtime.
    """

    conmon: str
    runtime: OciRuntime
    container: ContainerLayout
    name: str
    exit_command: tuple[str, ...] = ()
    tty: bool = False
    interactive: bool = False
    log_path: Optional[str] = None
    log_size_max: Optional[int] = None
    journal: bool = False
    log_tag: Optional[str] = None
    move: Optional[Callable[[int], None]] = None
    cgroup_manager: str = CGROUPFS
    kept: tuple[int, ...] = ()
    restore: Optional[str] = None
    restore_options: tuple[str, ...] = ()

    @property
    def verb(self) -> str:
        """The verb that the runtime is called with."""
        return "create" if self.restore is None else "restore"


@dataclass(frozen=True)
class Started:
    """A created container: its first process, waiting for ``start``, and conmon (None if it has exited)."""

    process: Process
    monitor: Optional[Process]


def find_conmon(path: str | None = None) -> str:
    """Return conmon's path; raises HostLacks."""
    found = command.find_program(path or "conmon", extra=_EXTRA)
    if found is None:
        what = f"{path} does not exist" if path else "conmon is not installed"
        raise HostLacks(what, remedy=REMEDY, program="conmon")
    return found


def describe(path: str) -> Program:
    """Return conmon's version; raises HostLacks for one older than 2.1, which lacks ``--full-attach``."""
    return describe_program("conmon", path, least=(2, 1))


def remove_stale_files(container: ContainerLayout) -> None:
    """Remove the sockets, FIFOs, PID files, exit file and OOM marker of an earlier run.

    A stale exit file would be mistaken for the exit of the new run (seed ``removeConmonFiles``).
    """
    bundle, persist = container.bundle, container.persist
    sockets = (f"{bundle}/attach", f"{bundle}/ctl", f"{bundle}/winsz")
    marks = (f"{bundle}/oom", container.oom_file, f"{persist}/exit", container.exit_file)
    # runc first writes its PID file under the second name and fails if that exists: a killed runc leaves it
    # behind.
    pid_files = (container.pid_file, f"{container.run}/.pidfile", container.conmon_pid_file)
    for path in (*sockets, *marks, *pid_files, container.conmon_log):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def create(launch: ConmonLaunch) -> Started:
    """Create the bundle's container under a new conmon.

    Raises RuntimeFailed with the runtime's message. A failure leaves nothing behind: neither conmon, nor its
    exit command, nor the runtime's state of the container.
    """
    for path in (launch.container.persist, os.path.dirname(launch.container.exit_file)):
        os.makedirs(path, mode=0o700, exist_ok=True)
    if launch.log_path and not os.path.isdir(os.path.dirname(launch.log_path)):
        # conmon would report that something is missing, but not what.
        raise InvalidOption("log_opt.path", launch.log_path, "is in a directory that does not exist")
    if launch.log_path and launch.log_path != launch.container.log:
        logfiles.check_place(launch.log_path)
    remove_stale_files(launch.container)
    try:
        process = Process.of(_launch(launch))
        if process is None:
            raise _failed(launch, "its process exited before start")  # noqa: TRY301 one handler for all
    except BaseException:  # also on an interrupt: conmon must not be left behind
        _abandon(launch)
        raise
    return Started(process, read_process(launch.container.conmon_pid_file))


def _launch(launch: ConmonLaunch) -> int:
    """Start conmon and return the PID of the container's first process."""
    patience = _DEADLINE if launch.restore is None else _RESTORE_DEADLINE
    told = spawn(
        _arguments(launch), launch.container.bundle, launch.move, patience=patience, kept=launch.kept
    )
    return _pid(launch, *told)


def spawn(
    argv: list[str],
    directory: str,
    move: Callable[[int], None] | None,
    *,
    patience: float = _DEADLINE,
    kept: tuple[int, ...] = (),
) -> tuple[bytes | None, str]:
    """Start conmon in the directory; return its line about the process and its stderr.

    The line is ``b""`` if conmon wrote none, and None at the timeout. ``move`` and ``kept`` are as in
    ConmonLaunch; ``patience`` is in seconds.
    """
    deadline = time.monotonic() + patience
    with null_device.kept(), _pipe() as (sync, sync_end), _pipe() as (start_end, start):
        environment = {
            **_ENVIRONMENT,
            "_OCI_SYNCPIPE": str(sync_end.fileno()),
            "_OCI_STARTPIPE": str(start_end.fileno()),
        }
        first = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=directory,
            pass_fds=(sync_end.fileno(), start_end.fileno(), *kept),
            start_new_session=True,
        )
        sync_end.close()
        start_end.close()
        _move(first, move)
        # conmon waits for this byte before it forks; if it rejected its arguments it has exited and can't
        # read it.
        with contextlib.suppress(BrokenPipeError):
            start.write(b"\0")
        words = _wait_first(first, deadline)
        return _read_line(sync, deadline), words


def _move(first: subprocess.Popen[bytes], move: Callable[[int], None] | None) -> None:
    """Move conmon while it waits for its start byte, so that its children start in the right cgroup."""
    if move is None:
        return
    try:
        move(first.pid)
    except BaseException:  # also on an interrupt: conmon would wait for its start byte forever
        first.kill()
        first.communicate()
        raise


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[FileIO, FileIO]]:
    """Yield both ends of a pipe, the reading end first, and close both afterwards."""
    reader, writer = os.pipe()
    with FileIO(reader, "rb") as reading, FileIO(writer, "wb") as writing:
        yield reading, writing


def _wait_first(first: subprocess.Popen[bytes], deadline: float) -> str:
    """Wait for the process that forks the real conmon and exits; return its stderr."""
    try:
        words = first.communicate(timeout=deadline - time.monotonic())[1]
    except subprocess.TimeoutExpired:
        first.kill()
        words = first.communicate()[1]
    return words.decode(errors="replace")


def _read_line(sync: FileIO, deadline: float) -> bytes | None:
    """Return conmon's first line, ``b""`` if it closed the pipe without one, None at the deadline.

    Don't read to the end of the file: conmon keeps its end open until it exits.
    """
    line = b""
    while not line.endswith(b"\n"):
        ready = select.select([sync], [], [], max(0.0, deadline - time.monotonic()))[0]
        if not ready:
            return None
        chunk = sync.read(65536)
        if not chunk:
            break
        line += chunk
    return line


def _pid(launch: ConmonLaunch, line: bytes | None, words: str) -> int:
    """Return the PID that conmon reported.

    The line is ``{"data": 4711}``, or ``{"data": -1, "message": "..."}``, which raises RuntimeFailed.
    """
    if line is None:
        raise _failed(launch, "conmon did not answer in time")
    said = first_word(line)
    pid = said.get("data", -1)
    if not isinstance(pid, int) or pid <= 0:
        raise _failed(launch, error_text(str(said.get("message", ""))) or error_text(words))
    return pid


def first_word(line: bytes | None) -> dict[str, object]:
    """Return conmon's first line, decoded.

    For an exec, a second line with the exit code follows, immediately if the command was short.
    """
    with contextlib.suppress(ValueError):
        return parse_object((line or b"").partition(b"\n")[0])
    return {}


def _failed(launch: ConmonLaunch, otherwise: str) -> RuntimeFailed:
    """Return the error; the runtime's own log takes precedence, because conmon may truncate the message."""
    text = error_text(_read(launch.container.conmon_log)) or otherwise or "conmon exited without a message"
    name = launch.runtime.name
    text = text.removeprefix(f"{name} create failed: ")
    return RuntimeFailed(f"{name} {launch.verb}: {text}", runtime=name, id=launch.container.id)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def read_process(pid_file: str) -> Process | None:
    """Return the process that the PID file names, or None if it has exited or there is no such file."""
    pid = decimal(_read(pid_file).strip())
    return Process.of(pid) if pid else None


def _abandon(launch: ConmonLaunch) -> None:
    """Kill conmon, its runtime and its exit command (one process group), and delete the runtime's state.

    conmon is found by its argument and not by its PID file, which it may not have written yet. Left alive, it
    would wait for its exit command, and the exit command for the lock that the caller holds.
    """
    for process in find_by_argument(launch.container.conmon_pid_file):
        if _runs(process, launch.conmon):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(os.getpgid(process.pid), signal.SIGKILL)
            process.wait_gone(_GONE)
    with contextlib.suppress(EngineError):
        launch.runtime.delete(launch.container.id, force=True)


def _runs(process: Process, program: str) -> bool:
    """Return whether the process runs that program: a user viewing the PID file has the same argument."""
    try:
        return os.path.samefile(f"/proc/{process.pid}/exe", program)
    except (FileNotFoundError, ProcessLookupError):
        return False


def _arguments(launch: ConmonLaunch) -> list[str]:
    container, runtime = launch.container, launch.runtime
    argv = [launch.conmon, "--api-version", "1", "--name", launch.name]
    argv += ["--cid", container.id, "--cuuid", container.id]
    argv += ["--runtime", runtime.path, "--bundle", container.bundle, "--full-attach"]
    argv += ["--container-pidfile", container.pid_file, "--conmon-pidfile", container.conmon_pid_file]
    argv += ["--exit-dir", os.path.dirname(container.exit_file), "--persist-dir", container.persist]
    log = "journald:" if launch.journal else f"k8s-file:{launch.log_path or container.log}"
    argv += ["--log-path", log, "--log-level", "error"]
    argv += ["--log-tag", launch.log_tag] if launch.log_tag is not None else []
    if launch.log_size_max is not None:
        argv += ["--log-size-max", str(launch.log_size_max)]
    argv += ["--terminal"] if launch.tty else []
    argv += ["--stdin"] if launch.interactive else []
    argv += ["--systemd-cgroup"] if launch.cgroup_manager == SYSTEMD else []
    if launch.cgroup_manager == DISABLED:
        argv += ["--runtime-arg", "--cgroup-manager=disabled"]
    for word in ("--root", runtime.root, "--log-format=json", f"--log={container.conmon_log}"):
        argv += ["--runtime-arg", word]
    argv += ["--restore", launch.restore] if launch.restore is not None else []
    for word in launch.restore_options:
        argv += ["--runtime-opt", word]
    argv += ["--exit-command", *launch.exit_command[:1]] if launch.exit_command else []
    for word in launch.exit_command[1:]:
        argv += ["--exit-command-arg", word]
    return argv
