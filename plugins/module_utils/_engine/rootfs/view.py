# SPDX-License-Identifier: GPL-3.0-or-later
"""Open a container's root file system for reading, mounted or not, without the mounts below it.

Nothing is written, and all mounts are in a private mount namespace: a kill leaves nothing. Devices cannot be opened.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import WrongState
from ..kernel import libc, mounts
from ..kernel.files import make_private
from ..kernel.private_mounts import apart
from ..model.engine.layout import ContainerLayout
from ..model.engine.storage_drivers import FUSE, OVERLAY, VFS
from . import overlay

#: Bytes of the tmpfs: it has the links to a few hundred layers.
_SCRATCH = 4 * 1024 * 1024
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class View(NamedTuple):
    """A descriptor of the root file system; ``written``: its owners are those of a user namespace, if any."""

    fd: int
    written: bool


def open_directory(path: str, scratch: str) -> View:
    """Open a directory of the host; ``scratch`` is a directory to mount on, in a private namespace."""
    return View(apart(lambda: os.open(show_directory(path, cover(scratch)), _DIRECTORY)), written=True)


def open_container(
    container: ContainerLayout,
    lowers: Sequence[str],
    scratch: str,
    userns_fd: int | None = None,
    *,
    driver: str = OVERLAY,
) -> View:
    """Open the mounted root file system, or what a start would mount; before the first start, the image.

    ``lowers`` are lowest first; ``userns_fd`` maps their owners. Raises what the driver's mount raises.
    """
    if driver == FUSE and not _is_mounted(container):
        return _open_fuse(container, lowers, scratch)
    return apart(lambda: _view(container, lowers, cover(scratch), userns_fd, driver))


def _open_fuse(container: ContainerLayout, lowers: Sequence[str], scratch: str) -> View:
    from . import fuse

    written = os.path.isdir(container.upper)
    below = (container.mapped,) if written and os.path.isdir(container.mapped) else (*reversed(lowers),)
    layers = (container.upper, *below) if written else below
    if not layers:
        return View(apart(lambda: os.open(_place(scratch), _DIRECTORY)), written)
    return View(fuse.open_unmounted(container, layers, lambda: _place(scratch)), written)


def open_image(lowers: Sequence[str], scratch: str, userns_fd: int | None = None) -> int:
    """Open an image and return the descriptor; the arguments are those of ``open_container``."""
    return apart(
        lambda: _image(
            ContainerLayout(id="", static=cover(scratch), run=scratch, exit_file=""), lowers, userns_fd
        )
    )


def _image(place: ContainerLayout, lowers: Sequence[str], userns_fd: int | None) -> int:
    overlay.mount_image(place, lowers, userns_fd=userns_fd)
    return os.open(place.merged, _DIRECTORY)


def _view(
    container: ContainerLayout, lowers: Sequence[str], scratch: str, userns_fd: int | None, driver: str
) -> View:
    path, written = show(container, lowers, scratch, userns_fd, driver=driver)
    return View(os.open(path, _DIRECTORY), written)


def show(
    container: ContainerLayout,
    lowers: Sequence[str],
    scratch: str,
    userns_fd: int | None,
    *,
    driver: str = OVERLAY,
) -> tuple[str, bool]:
    """Mount read-only what ``open_container`` opens; return the mount point and ``written`` (see View).

    The caller is in a private mount namespace, and has covered ``scratch``. With fuse-overlayfs the root file system must be
    mounted already: a program that is started in the private namespace would keep that alive.
    """
    if driver == VFS:
        return show_directory(_copy(container), scratch), True
    # Mounts do not propagate into this namespace, so the state seen here stays.
    if _is_mounted(container):
        return show_directory(container.merged, scratch), True
    return _show_overlay(container, lowers, scratch, userns_fd)


def _copy(container: ContainerLayout) -> str:
    if not os.path.isdir(container.merged):
        raise WrongState(
            f"the root file system of container {container.id[:12]} does not exist yet: its creation was interrupted",
            remedy="Start the container, which creates it",
            id=container.id,
        )
    return container.merged


def _show_overlay(
    container: ContainerLayout, lowers: Sequence[str], scratch: str, userns_fd: int | None
) -> tuple[str, bool]:
    place = container.elsewhere(scratch)
    if not os.path.isdir(container.upper):
        overlay.mount_image(place, lowers)
        return place.merged, False
    if os.path.isdir(container.mapped):
        lowers, userns_fd = (container.mapped,), None
    overlay.mount_image(place, lowers, top=container.upper, userns_fd=userns_fd)
    return place.merged, True


def _is_mounted(container: ContainerLayout) -> bool:
    try:
        return os.stat(container.merged).st_dev != os.stat(container.static).st_dev
    except FileNotFoundError:
        return False


def show_directory(path: str, scratch: str) -> str:
    """Bind mount a directory read-only, without the mounts below it; return the mount point."""
    target = f"{scratch}/merged"
    make_private(target)
    mounts.bind(path, target)
    mounts.restrict(target, libc.MS_RDONLY | libc.MS_NODEV)
    return target


def cover(scratch: str) -> str:
    """Mount an empty tmpfs over a directory, so that nothing is created on disk."""
    mounts.tmpfs(scratch, size=_SCRATCH, mode=0o700)
    return scratch


def _place(scratch: str) -> str:
    """Cover the directory and create an empty one in it; return that."""
    target = f"{cover(scratch)}/merged"
    make_private(target)
    return target
