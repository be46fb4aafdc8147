# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount in a container's run directory what its config.json then binds: parts of volumes, overlays, images.

What is mounted is given by descriptor, so that nobody can exchange it on the way. What is there is read from mountinfo.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from ..kernel import files, libc, mounts
from ..kernel.removal import remove_tree
from ..model.engine.layout import ContainerLayout
from ..trees.metadata import carry
from . import overlay, support


def place(container: ContainerLayout, number: int, fd: int) -> str:
    """Make what the descriptor's file or directory can be mounted on, and return its path."""
    # The root of a user namespace passes through; who else could is kept out by the directory above.
    files.make_private(container.mounts, 0o711)
    target = f"{container.mounts}/{number}"
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        files.make_private(target)
    else:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return target


def bind(fd: int, target: str, *, recursive: bool, shares: bool) -> None:
    """Show what the descriptor is of; ``shares``: mounts that are made on it later, here or there, as the source does."""
    mounts.bind(named(fd), target, recursive=recursive)
    if not shares:
        mounts.make_private(target)


def idmapped(fd: int, target: str, userns_fd: int, *, recursive: bool, shares: bool) -> None:
    """Show it with its owners shifted as the user namespace maps them; raises OSError as mounts.idmapped does."""
    mounts.idmapped(named(fd), target, userns_fd, recursive=recursive)
    if not shares:
        mounts.make_private(target)


def overlay_on(
    container: ContainerLayout, number: int, fd: int, target: str, own: tuple[str, str] | None
) -> None:
    """Show a directory below one that takes what is written.

    ``own`` are upper and work directory of the user, which stay; None: ours, which go with ``unmount``. Raises HostLacks when
    the file system can't hold them, StoreFull, OSError.
    """
    base = f"{container.overlays}/{number}"
    upper, work = own or (f"{base}/upper", f"{base}/work")
    if own is None:
        files.make_private(upper)
        files.make_private(work)
    with ExitStack() as stack:
        lower_fd, upper_fd, work_fd = (
            stack.enter_context(files.directory(path)) for path in (named(fd), upper, work)
        )
        if not os.listdir(upper_fd):  # what the container has altered before stays as it left it
            carry(lower_fd, upper_fd, os.fstat(lower_fd))
        options = f"lowerdir={named(lower_fd)},upperdir={named(upper_fd)},workdir={named(work_fd)}"
        with support.explained(upper, (), below=os.readlink(named(lower_fd))):
            libc.mount("overlay", target, "overlay", 0, options)


@contextmanager
def image(
    container: ContainerLayout, number: int, lowers: Sequence[str], userns_fd: int | None = None
) -> Iterator[str]:
    """Mount an image for the body, with a layer of its own for what is written; what is bound meanwhile stays.

    ``lowers`` lowest first. Raises what overlay.mount does.
    """
    base = container.elsewhere(f"{container.overlays}/{number}")
    files.make_private(base.static)
    try:
        yield overlay.mount(base, lowers, userns_fd)
    finally:
        overlay.unmount(base)


def unmount(container: ContainerLayout) -> None:
    """Unmount all of it, and delete what was written to overlays of ours; nothing there is fine."""
    for top in (container.mounts, container.overlays):
        if os.path.isdir(top):
            mounts.unmount_copies(os.path.realpath(top))
            remove_tree(top)


def named(fd: int) -> str:
    """Return the path that leads to a descriptor's file, and to no other."""
    return f"/proc/self/fd/{fd}"
