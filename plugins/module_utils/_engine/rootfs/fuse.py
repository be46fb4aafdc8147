# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount a container's root file system with fuse-overlayfs, where the kernel's overlayfs does not work.

The engine calls mount(2) itself and passes the FUSE connection to the program: so it needs no fusermount, chooses the flags,
and the program may run in another mount namespace than the mount. The program exits when the mount is gone.
Sources: fuse(4), fuse-overlayfs(1); libfuse since 3.3 takes ``/dev/fd/N`` for an existing mount.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import NamedTuple, NoReturn, Optional

from ..errors import HostLacks
from ..kernel import command, files, libc, mounts
from ..kernel.private_mounts import apart
from ..kernel.process import Process, find_by_argument
from ..model.engine.layout import ContainerLayout
from ..model.engine.storage_drivers import FUSE
from . import mount_state, overlay, support

#: Seconds for the program to exit after its unmount; it needs milliseconds, unless a process has a file open.
_PATIENCE = 3.0
_PATH = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

#: The program's message about any mount option that it does not know.
_IGNORED = "unknown argument ignored"

#: Moves a process, by its PID, to its cgroup.
Move = Optional[Callable[[int], None]]


class Served(NamedTuple):
    """A working mount: a descriptor of its root, and the program, or None if that has exited already."""

    root: int
    process: Process | None


def mount(container: ContainerLayout, lowers: Sequence[str], move: Move = None) -> str:
    """Mount the root file system on ``container.merged`` and return that; ``lowers`` are lowest first.

    ``move`` moves the program out of the caller's cgroup. A mount that exists and works is kept.
    Raises HostLacks, NotFound for a layer, StoreFull.
    """
    if mount_state.is_mounted(container, FUSE):
        if mount_state.works(container):
            return container.merged
        unmount(container)
    program = support.find_fuse()
    with support.explained(container.static, lowers, fuse=True):
        layers = _prepared(container, lowers)
        try:
            _mount(container, program, layers, move)
        except BaseException:  # also on an interrupt: nothing may remain that looks like a root file system
            unmount(container)
            raise
    return container.merged


def _mount(container: ContainerLayout, program: str, layers: Sequence[str], move: Move) -> None:
    served = serve(
        program,
        layers,
        lambda connection: mount_for(connection, container.merged),
        title=_title(container),
        own=(container.upper, container.work),
        move=move,
    )
    os.close(served.root)


def _prepared(container: ContainerLayout, lowers: Sequence[str]) -> tuple[str, ...]:
    """Create the container's directories; return the layers, topmost first."""
    overlay.make_upper(container, lowers[-1] if lowers else None, empty=not lowers)
    files.make_private(container.work)
    files.make_private(container.merged)
    if lowers:
        return tuple(reversed(lowers))
    files.make_private(f"{container.lower}/{overlay.EMPTY}")
    return (f"{container.lower}/{overlay.EMPTY}",)


def unmount(container: ContainerLayout) -> None:
    """Unmount the root file system and wait for its program to exit; do nothing if it is not mounted."""
    mounts.unmount(os.path.realpath(container.merged))
    for process in find_by_argument(_title(container)):
        # A program whose mount is in use, or was copied into another mount namespace, would keep running.
        if _is_program(process.pid) and not process.wait_gone(_PATIENCE):
            process.signal(9)
            process.wait_gone(_PATIENCE)


def open_unmounted(container: ContainerLayout, layers: Sequence[str], cover: Callable[[], str]) -> int:
    """Open the merged layers, topmost first, read-only, through a mount in a private mount namespace.

    ``cover`` creates a mount point in that namespace. The program exits when the descriptor is closed.
    """

    def mount_apart(connection: int) -> int:
        return apart(lambda: mount_for(connection, cover(), libc.MS_RDONLY | libc.MS_NODEV))

    with support.explained(container.static, layers, fuse=True):
        return serve(support.find_fuse(), layers, mount_apart, title=f"slipway-view:{container.merged}").root


def serve(
    program: str,
    layers: Sequence[str],
    by: Callable[[int], int],
    *,
    title: str,
    own: tuple[str, str] | None = None,
    move: Move = None,
) -> Served:
    """Mount with ``by``, which takes the connection and returns the root (O_PATH); start the program for it.

    ``layers`` are topmost first; ``own`` are the upper and work directories, without which the mount is read-only. ``title``
    is the program's name in process listings. Raises OSError, and HostLacks with the program's message if it fails.
    """
    with ExitStack() as held:
        said = os.memfd_create(FUSE)
        held.callback(os.close, said)
        with ExitStack() as given:
            connection = _connection()
            given.callback(os.close, connection)
            root = by(connection)
            held.callback(os.close, root)
            words, fds = _words(given, layers, own)
            pid = command.detach(
                [title, *words, "-f", f"/dev/fd/{connection}"],
                program=program,
                keep=(connection, *fds),
                stderr=said,
            )
        # Only the program has the connection now: if it exits, the next call fails instead of blocking for ever.
        if move is not None:
            move(pid)
        try:
            return Served(os.open(".", _DIRECTORY, dir_fd=root), Process.of(pid))
        except OSError as error:
            _raise_refusal(said, error)


def _connection() -> int:
    try:
        return os.open(support.FUSE_DEVICE, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise support.no_fuse() from error


def _words(
    given: ExitStack, layers: Sequence[str], own: tuple[str, str] | None
) -> tuple[list[str], list[int]]:
    """Return the program's options and the descriptors that they name, so that paths need no escaping."""
    opened = []
    for path in (*layers, *(own or ())):
        opened.append(os.open(path, _PATH))
        given.callback(os.close, opened[-1])
    names = [f"/proc/self/fd/{fd}" for fd in opened]
    options = f"lowerdir={':'.join(names[: len(layers)])}"
    if own:
        options += f",upperdir={names[-2]},workdir={names[-1]}"
    return ["-o", options], opened


def mount_for(connection: int, target: str, flags: int = 0) -> int:
    """Mount for the connection; return an O_PATH descriptor of the root, which needs no running program."""
    options = (
        f"fd={connection},rootmode={stat.S_IFDIR:o},user_id=0,group_id=0,default_permissions,allow_other"
    )
    libc.mount(FUSE, target, mount_state.FSTYPES[FUSE], flags, options)
    return os.open(target, _PATH)


def _raise_refusal(said: int, error: OSError) -> NoReturn:
    if error.errno not in mount_state.DEAD:
        raise error
    lines = os.pread(said, 4096, 0).decode("utf-8", "replace").strip().splitlines()
    words = "; ".join(line for line in lines if not line.startswith(_IGNORED)) or "it printed no message"
    raise HostLacks(f"fuse-overlayfs does not work on this host: {words}", program=FUSE) from error


def _title(container: ContainerLayout) -> str:
    return f"slipway-rootfs:{container.merged}"


def _is_program(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as stream:
            return stream.read().strip() == FUSE
    except (FileNotFoundError, ProcessLookupError):
        return False
