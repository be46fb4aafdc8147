# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount a container's root file system: its own upper layer over the layers of its image.

Source: Documentation/filesystems/overlayfs.rst of Linux. What is mounted is read from mountinfo.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..kernel import files, libc, mountinfo, mounts
from ..model.layout import ContainerLayout
from . import support

#: What an image without layers stands on; it lies beside the links in ``lower``.
_EMPTY = "empty"


def mount(container: ContainerLayout, lowers: Sequence[str]) -> str:
    """Mount the root file system and return where: ``container.merged``.

    ``lowers`` are the absolute directories of the image's layers, lowest first, as in ImageRecord.layers.
    What the container wrote before is there again; when it is mounted already, nothing is done.
    Raises HostLacks when kernel or file system can't do it, NotFound when a layer is missing, StoreFull, and
    OSError when the kernel refuses for another reason.
    """
    if is_mounted(container):
        return container.merged
    with support.explained(container.static, lowers):
        links = _link(container, lowers)
        _make_upper(container, lowers)
        files.make_private(container.work)
        files.make_private(container.merged)
        # The paths are relative to ``lower``: hundreds of layers fit into the one page that mount(2) takes as
        # options, and no character of a path can be read as a separator.
        options = f"lowerdir={':'.join(reversed(links))},upperdir=../upper,workdir=../work"
        with _working_directory(container.lower):
            libc.mount("overlay", container.merged, "overlay", 0, options)
    return container.merged


def unmount(container: ContainerLayout) -> None:
    """Unmount the root file system; not mounted, or no such container, is fine."""
    mounts.unmount(os.path.realpath(container.merged))


def is_mounted(container: ContainerLayout) -> bool:
    """Tell whether the root file system is mounted."""
    # mountinfo knows no symlinks, and the engine's root may lie behind one.
    entry = mountinfo.at(os.path.realpath(container.merged))
    return entry is not None and entry.fstype == "overlay"


def _link(container: ContainerLayout, lowers: Sequence[str]) -> list[str]:
    """Make a short link to each layer; return their names, lowest first."""
    files.make_private(container.lower)
    if not lowers:
        files.make_private(f"{container.lower}/{_EMPTY}")
        return [_EMPTY]
    names = [str(position) for position in range(len(lowers))]
    for name, lower in zip(names, lowers):
        _point(f"{container.lower}/{name}", lower)
    return names


def _point(link: str, target: str) -> None:
    """Make the symlink, or correct the one that is there."""
    try:
        os.symlink(target, link)
    except FileExistsError:
        if os.readlink(link) != target:
            os.unlink(link)
            os.symlink(target, link)


def _make_upper(container: ContainerLayout, lowers: Sequence[str]) -> None:
    """Make the upper layer; its root looks as the image's, for it is what the container sees as ``/``."""
    if os.path.isdir(container.upper):
        return
    # Finished under another name: a half-made one must not be taken for one that the container has altered.
    fresh = f"{container.upper}.new"
    files.make_private(fresh)
    if lowers:
        _copy_attributes(lowers[-1], fresh)
    else:
        os.chmod(fresh, 0o755)  # noqa: S103  (a container's root is open to its users)
    os.rename(fresh, container.upper)


def _copy_attributes(source: str, target: str) -> None:
    seen = os.stat(source)
    os.chown(target, seen.st_uid, seen.st_gid)
    os.chmod(target, seen.st_mode & 0o7777)
    for name in os.listxattr(source):
        # overlayfs keeps its own notes there (opaque, origin); a layer's are not the upper's.
        if not name.startswith("trusted.overlay."):
            os.setxattr(target, name, os.getxattr(source, name))
    os.utime(target, ns=(seen.st_atime_ns, seen.st_mtime_ns))


@contextmanager
def _working_directory(path: str) -> Iterator[None]:
    """Work in ``path`` (the whole process does) and go back."""
    before = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.chdir(path)
        try:
            yield
        finally:
            os.fchdir(before)
    finally:
        os.close(before)
