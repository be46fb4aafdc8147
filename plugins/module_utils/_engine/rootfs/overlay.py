# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount a container's root file system: its own upper layer over the layers of its image.

Source: Documentation/filesystems/overlayfs.rst of Linux. What is mounted is read from mountinfo.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..errors import HostLacks
from ..kernel import files, libc, mountinfo, mounts
from ..model.engine.layout import ContainerLayout
from . import support

#: The empty directory in ``lower`` that is the layer of an image without layers.
EMPTY = "empty"
#: An empty second layer for an image with one.
_BOTTOM = "bottom"
#: The kernel's errors: no such system call, not for this file system, no idmapped layers in overlayfs.
_NO_IDMAP = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM)


class NoIdmappedLayers(HostLacks):
    """The kernel (before 5.19) or the file system does not support idmapped layers."""


def mount(container: ContainerLayout, lowers: Sequence[str], userns_fd: int | None = None) -> str:
    """Mount the root file system on ``container.merged`` and return that; do nothing if it is mounted.

    ``lowers`` are the absolute directories of the image's layers, lowest first, as in ImageRecord.layers. The container's
    earlier changes are kept. With ``userns_fd`` the layers' owners are mapped by that user namespace.
    Raises HostLacks if kernel or file system does not support it, NoIdmappedLayers if only the mapping is unsupported,
    NotFound for a missing layer, StoreFull, and OSError for other errors of the kernel.
    """
    if is_mounted(container):
        return container.merged
    with support.explained(container.static, lowers):
        links = _link(container, lowers)
        if userns_fd is None:
            _mount(container, links, lowers[-1] if lowers else None)
            return container.merged
        try:
            links = _idmap(container, links, userns_fd)
            _mount(container, links, f"{container.lower}/{links[-1]}", empty=not lowers)
        except OSError as error:
            if error.errno not in _NO_IDMAP:
                raise
            raise NoIdmappedLayers(
                "the kernel or the file system does not support idmapped layers", feature="idmapped layers"
            ) from error
        finally:
            # The overlay keeps its own references.
            mounts.unmount_below(os.path.realpath(container.lower))
    return container.merged


def _mount(container: ContainerLayout, links: list[str], top: str | None, *, empty: bool = False) -> None:
    make_upper(container, top, empty=empty)
    files.make_private(container.work)
    files.make_private(container.merged)
    # The paths are relative to ``lower``: so hundreds of layers fit into the one page that mount(2) takes as
    # options, and no character of a path can be taken for a separator.
    options = f"lowerdir={':'.join(reversed(links))},upperdir=../upper,workdir=../work"
    with _working_directory(container.lower):
        libc.mount("overlay", container.merged, "overlay", 0, options)


def mount_image(
    container: ContainerLayout, lowers: Sequence[str], *, top: str | None = None, userns_fd: int | None = None
) -> None:
    """Mount the image read-only on ``container.merged``, without an upper layer of its own.

    ``top`` is a container's upper layer that is added as topmost layer. ``userns_fd`` maps the owners of the image's layers,
    as in ``mount``; the caller that passes it unmounts what is below ``container.lower``.
    """
    links = _link(container, lowers)
    files.make_private(container.merged)
    files.make_private(f"{container.lower}/{_BOTTOM}")
    with support.explained(container.static, lowers):
        if userns_fd is not None:
            links = _idmap(container, links, userns_fd)
        if top is not None:
            _point(f"{container.lower}/top", top)
            links.append("top")
        # Without an upper layer overlayfs needs two lower ones.
        options = f"lowerdir={':'.join(reversed([_BOTTOM, *links]))}"
        with _working_directory(container.lower):
            libc.mount("overlay", container.merged, "overlay", libc.MS_RDONLY | libc.MS_NODEV, options)


def unmount(container: ContainerLayout) -> None:
    """Unmount the root file system; do nothing if it is not mounted, or the container does not exist."""
    mounts.unmount(os.path.realpath(container.merged))
    mounts.unmount_below(os.path.realpath(container.lower))  # idmapped layers that a killed start left


def is_mounted(container: ContainerLayout) -> bool:
    """Return whether the root file system is mounted."""
    # mountinfo has resolved paths, and the engine's root may be behind a symlink.
    entry = mountinfo.at(os.path.realpath(container.merged))
    return entry is not None and entry.fstype == "overlay"


def moves_content() -> bool:
    """Return whether the kernel may keep content of a renamed or changed file in lower layers.

    Only without that does the upper layer have all changes (overlayfs.rst, "redirect_dir" and "Metadata only copy up").
    """
    return any(_parameter(name).startswith("Y") for name in ("redirect_dir", "metacopy"))


def _parameter(name: str) -> str:
    try:
        with open(f"/sys/module/overlay/parameters/{name}", encoding="ascii") as stream:
            return stream.read()
    except OSError:  # an older kernel without the parameter
        return ""


def _link(container: ContainerLayout, lowers: Sequence[str]) -> list[str]:
    """Create a short symlink to each layer; return their names, lowest first."""
    files.make_private(container.lower)
    if not lowers:
        files.make_private(f"{container.lower}/{EMPTY}")
        return [EMPTY]
    names = [str(position) for position in range(len(lowers))]
    for name, lower in zip(names, lowers):
        _point(f"{container.lower}/{name}", lower)
    return names


def _idmap(container: ContainerLayout, links: list[str], userns_fd: int) -> list[str]:
    """Create an idmapped mount of each layer next to its link; return the names, lowest first."""
    names = []
    for link in links:
        name = f"m{link}"
        files.make_private(f"{container.lower}/{name}")
        mounts.unmount(os.path.realpath(f"{container.lower}/{name}"))
        mounts.idmapped(os.path.realpath(f"{container.lower}/{link}"), f"{container.lower}/{name}", userns_fd)
        names.append(name)
    return names


def _point(link: str, target: str) -> None:
    """Create the symlink, or correct an existing one."""
    try:
        os.symlink(target, link)
    except FileExistsError:
        if os.readlink(link) != target:
            os.unlink(link)
            os.symlink(target, link)


def make_upper(container: ContainerLayout, top: str | None, *, empty: bool) -> None:
    """Create the upper layer; its top directory, the container's ``/``, gets the attributes of the image's.

    ``top`` is the highest layer. Without any (None, or ``empty``) the mode is 0755, so that users can traverse ``/``.
    """
    if os.path.isdir(container.upper):
        return
    # Completed under another name: a half-made one must not be mistaken for one that the container has changed.
    fresh = f"{container.upper}.new"
    files.make_private(fresh)
    if top is not None:
        _copy_attributes(top, fresh)
    if top is None or empty:
        os.chmod(fresh, 0o755)  # noqa: S103
    os.rename(fresh, container.upper)


def _copy_attributes(source: str, target: str) -> None:
    seen = os.stat(source)
    os.chown(target, seen.st_uid, seen.st_gid)
    os.chmod(target, seen.st_mode & 0o7777)
    for name in os.listxattr(source):
        # overlayfs's own attributes (opaque, origin) of a layer do not apply to the upper layer.
        if not name.startswith("trusted.overlay."):
            os.setxattr(target, name, os.getxattr(source, name))
    os.utime(target, ns=(seen.st_atime_ns, seen.st_mtime_ns))


@contextmanager
def _working_directory(path: str) -> Iterator[None]:
    """Change the process's working directory to ``path``, and restore it."""
    before = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.chdir(path)
        try:
            yield
        finally:
            os.fchdir(before)
    finally:
        os.close(before)
