# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpack files from a container on the controller; files that are already right are not touched.

The content of the tar is untrusted. Names that lead out of the destination are refused, no symlink below it
is followed, and setuid and setgid bits are cleared.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Optional

from ansible.errors import AnsibleActionFail
from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import ArchiveBroken
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.values import sparse

from .file_chunks import content

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PERMISSIONS = 0o777
#: Name of the top directory in the tar.
_ROOT = "."


def receive(
    parcel: str, directory: str, *, rename: Optional[str] = None, check: bool
) -> list[dict[str, Any]]:
    """Unpack a tar to a directory of the controller, and return the changes by path (``check``: predicted).

    ``rename`` is a different name for the single file in it.
    """
    changes = []
    with tarfile.open(parcel, "r:", encoding="utf-8", errors="surrogateescape") as tar:
        if not check:
            _make_root(directory, tar.next())
        for member in tar:
            if _is_root(member):
                continue
            names = _checked(rename or member.name)
            try:
                what = _received(tar, member, directory, names, check=check)
            except ArchiveBroken as error:
                raise AnsibleActionFail(f"{member.name}: {error}") from error
            except OSError as error:
                raise AnsibleActionFail(f"{directory}/{'/'.join(names)}: {error.strerror}") from error
            if what:
                changes.append({"path": "/".join(names), "changes": what})
    return changes


def _make_root(directory: str, first: Optional[tarfile.TarInfo]) -> None:
    """Create the directory if it does not exist, with the mode of the tar's first member, its top directory."""
    if first is None or not _is_root(first):
        os.makedirs(directory, exist_ok=True)
        return
    above = os.path.dirname(os.path.abspath(directory))
    os.makedirs(above, exist_ok=True)
    with suppress(FileExistsError):
        os.mkdir(directory, first.mode & _PERMISSIONS)


def _is_root(member: tarfile.TarInfo) -> bool:
    return member.name == _ROOT and member.isdir()


def _checked(name: str) -> list[str]:
    names = name.split("/")
    if {"", ".", ".."} & {*names} or "\0" in name:
        raise AnsibleActionFail(f"{name!r} is not a valid path below a directory")
    return names


def _received(
    tar: tarfile.TarFile, member: tarfile.TarInfo, directory: str, names: list[str], *, check: bool
) -> list[str]:
    with _parent(directory, names) as parent:
        what = ["create"] if parent is None else _differences(tar, member, parent, names[-1])
        if what and parent is not None and not check:
            _put(tar, member, parent, names[-1])
    return what


@contextmanager
def _parent(directory: str, names: list[str]) -> Iterator[Optional[int]]:
    """Open the parent directory of the last name; yield None if it does not exist."""
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        for name in names[:-1]:
            below = os.open(name, _DIRECTORY, dir_fd=fd)
            os.close(fd)
            fd = below
    except FileNotFoundError:
        os.close(fd)
        yield None
        return
    except OSError as error:
        os.close(fd)
        raise AnsibleActionFail(f"{directory}/{'/'.join(names)}: {error.strerror}") from error
    try:
        yield fd
    finally:
        os.close(fd)


def _differences(tar: tarfile.TarFile, member: tarfile.TarInfo, parent: int, name: str) -> list[str]:
    try:
        info = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return ["create"]
    kind = stat.S_IFDIR if member.isdir() else stat.S_IFLNK if member.issym() else stat.S_IFREG
    if stat.S_IFMT(info.st_mode) != kind:
        if stat.S_IFDIR in (kind, stat.S_IFMT(info.st_mode)):
            raise AnsibleActionFail(
                f"{member.name}: a directory is not replaced by something else, nor something else by a directory"
            )
        return ["kind"]
    if member.issym():
        return ["content"] if os.readlink(name, dir_fd=parent) != member.linkname else []
    if member.isdir():
        return []
    content = [] if _same(tar, member, parent, name, info) else ["content"]
    return content + (["mode"] if stat.S_IMODE(info.st_mode) != member.mode & _PERMISSIONS else [])


def _same(
    tar: tarfile.TarFile, member: tarfile.TarInfo, parent: int, name: str, info: os.stat_result
) -> bool:
    if info.st_size != sparse.from_pax(member.pax_headers, member.size)[1]:
        return False
    with os.fdopen(os.open(name, _READ, dir_fd=parent), "rb") as there:
        return sparse.same(_pieces(tar, member), content(there.fileno()))


def _pieces(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[sparse.Piece]:
    stored = tar.extractfile(member)
    if stored is None or member.issparse():  # a sparse format that the engine does not write
        raise AnsibleActionFail(f"{member.name} is neither file, directory nor symlink")
    return sparse.unpacked(stored.read, *sparse.from_pax(member.pax_headers, member.size))


def _put(tar: tarfile.TarFile, member: tarfile.TarInfo, parent: int, name: str) -> None:
    if member.isdir():
        os.mkdir(name, member.mode & _PERMISSIONS, dir_fd=parent)
        return
    temporary = f".slipway-{os.urandom(8).hex()}"
    try:
        if member.issym():
            os.symlink(member.linkname, temporary, dir_fd=parent)
        else:
            _write(tar, member, parent, temporary)
        os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=parent)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, parent: int, name: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, 0o600, dir_fd=parent), "wb") as file:
        size = 0
        for offset, data in _pieces(tar, member):
            file.seek(offset)
            file.write(data)
            size = offset + len(data)
        file.truncate(size)
        os.fchmod(file.fileno(), member.mode & _PERMISSIONS)
        os.utime(file.fileno(), (member.mtime, member.mtime))
