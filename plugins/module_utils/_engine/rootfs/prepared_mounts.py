# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount in a container's run directory what its config.json binds: subpaths of volumes, overlays, images.

Sources are passed as descriptors, so that they cannot be replaced meanwhile. Existing mounts are read from mountinfo.
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
    """Create a mount point for the descriptor's file or directory, and return its path."""
    # A user namespace's root traverses it; the directory above keeps other users out.
    files.make_private(container.mounts, 0o711)
    target = f"{container.mounts}/{number}"
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        files.make_private(target)
    else:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return target


def bind(fd: int, target: str, *, recursive: bool, shares: bool) -> None:
    """Bind mount the descriptor's file or directory; with ``shares``, keep the propagation of the source."""
    mounts.bind(named(fd), target, recursive=recursive)
    if not shares:
        mounts.make_private(target)


def idmapped(fd: int, target: str, userns_fd: int, *, recursive: bool, shares: bool) -> None:
    """Mount it with its owners mapped by the user namespace. Raises OSError as ``mounts.idmapped`` does."""
    mounts.idmapped(named(fd), target, userns_fd, recursive=recursive)
    if not shares:
        mounts.make_private(target)


def overlay_on(
    container: ContainerLayout, number: int, fd: int, target: str, own: tuple[str, str] | None
) -> None:
    """Mount an overlay over a directory.

    ``own`` are the user's upper and work directories, which are kept; None: the engine's, which ``unmount`` removes. Raises
    HostLacks if their file system is unsupported, StoreFull, OSError.
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
        if not os.listdir(upper_fd):  # attributes that the container has changed before are kept
            carry(lower_fd, upper_fd, os.fstat(lower_fd))
        options = f"lowerdir={named(lower_fd)},upperdir={named(upper_fd)},workdir={named(work_fd)}"
        with support.explained(upper, (), below=os.readlink(named(lower_fd))):
            libc.mount("overlay", target, "overlay", 0, options)


@contextmanager
def image(
    container: ContainerLayout, number: int, lowers: Sequence[str], userns_fd: int | None = None
) -> Iterator[str]:
    """Mount an image, with an upper layer of its own, for the body; bind mounts made from it remain.

    ``lowers`` are lowest first. Raises what ``overlay.mount`` raises.
    """
    base = container.elsewhere(f"{container.overlays}/{number}")
    files.make_private(base.static)
    try:
        yield overlay.mount(base, lowers, userns_fd)
    finally:
        overlay.unmount(base)


def unmount(container: ContainerLayout) -> None:
    """Unmount everything, and delete the engine's overlay directories; do nothing if there are none."""
    for top in (container.mounts, container.overlays):
        if os.path.isdir(top):
            mounts.unmount_copies(os.path.realpath(top))
            remove_tree(top)


def named(fd: int) -> str:
    """Return a path that always refers to the descriptor's file."""
    return f"/proc/self/fd/{fd}"
