# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy a directory tree with all metadata."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import closing
from typing import Optional

from ..errors import HostLacks
from ..frozen import dataclass
from ..model.values.idmap import IdMap
from ..progress import advance
from .content import ContentCopier
from .cursor import Cursor, identity, open_directory
from .metadata import carry, clear_inherited, read_flags, write_flags
from .source import Source

# O_NONBLOCK: an entry that was replaced with a FIFO since it was listed must not block the copy.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

#: The errors of a missing privilege (mknod, chown, trusted.*) or an unsupported feature of the file system.
_HOST_LACKS = (errno.EPERM, errno.EOPNOTSUPP)


@dataclass(frozen=True)
class CopyStats:
    """The size of a copy: names below the root, and bytes of files (st_size; hard links count once)."""

    entries: int
    bytes: int


def copy_tree(source_fd: int, target_fd: int, owners: Optional[IdMap] = None) -> CopyStats:
    """Copy a directory's content, and its own owner, mode, attributes and times, into an empty directory.

    The copy preserves content and holes, owners, modes, extended attributes (also ACLs and capabilities), nanosecond
    times, hard links, symbolic links, FIFOs, sockets, devices, and the immutable and append-only flags below the root;
    on the root itself these would prevent its renaming. It works with descriptors, never follows a symbolic link, and
    never writes to an existing entry. No other process may write below ``target_fd`` meanwhile.

    ``owners`` maps the owners, for a user namespace.

    Raises HostLacks with the path below the root when a device, an owner, an attribute or a flag can't be created,
    OSError with that path for anything else (ENOSPC; EINVAL when the target is inside the source).
    """
    with closing(Cursor(source_fd)) as source:
        return copy_from(source, target_fd, owners)


def copy_from(source: Source, target_fd: int, owners: Optional[IdMap] = None) -> CopyStats:
    """Copy as ``copy_tree`` does, from any Source."""
    with closing(Cursor(target_fd)) as target:
        copy = _TreeCopy(source, target, target_fd, owners)
        try:
            copy.run()
        except OSError as error:
            raise _located(error, copy.path()) from error
    return CopyStats(copy.entries, copy.bytes)


def _located(error: OSError, path: str) -> Exception:
    if error.errno not in _HOST_LACKS:
        return OSError(error.errno, error.strerror, path)
    return HostLacks(
        f"{path} can't be copied: {error.strerror}",
        remedy="Run as root, and keep the engine's root on a file system with extended attributes and ACLs",
        path=path,
    )


class _TreeCopy:
    """A copy in progress: both cursors are in the same directory, of the source and of the target."""

    def __init__(self, source: Source, target: Cursor, target_fd: int, owners: Optional[IdMap]) -> None:
        self.entries = 0
        self.bytes = 0
        self._source = source
        self._target = target
        self._target_fd = target_fd
        self._owners = owners
        self._target_root = identity(os.fstat(target_fd))
        self._content = ContentCopier()
        self._name = "."
        self._first_names: dict[tuple[int, int], list[str]] = {}
        self._flagged: list[tuple[list[str], int]] = []

    def path(self) -> str:
        """Return the path, below the root, of the entry being copied."""
        return "/".join([*self._source.trail, self._name])

    def run(self) -> None:
        """Copy depth first; a directory's metadata comes last, because each new entry changes its times."""
        clear_inherited(self._target.fd)
        infos = [os.fstat(self._source.fd)]
        waiting = [self._copy_entries()]
        while waiting:
            if waiting[-1]:
                infos.append(self._enter(waiting[-1].pop()))
                waiting.append(self._copy_entries())
            else:
                waiting.pop()
                self._finish_directory(infos.pop())
        self._apply_flags()

    def _enter(self, name: str) -> os.stat_result:
        self._name = name
        self.entries += 1
        os.mkdir(name, 0o700, dir_fd=self._target.fd)
        self._target.enter(name)
        self._source.enter(name)
        self._name = "."
        info = os.fstat(self._source.fd)
        if identity(info) == self._target_root:
            raise OSError(errno.EINVAL, "the target of the copy is inside its source")
        return info

    def _finish_directory(self, info: os.stat_result) -> None:
        self._name = "."
        carry(self._source.fd, self._target.fd, info, self._owners)
        if self._source.trail:
            self._note_flags(self._source.fd)
            self._source.leave()
            self._target.leave()

    def _copy_entries(self) -> list[str]:
        """Copy this directory's entries except subdirectories, and return the names of these."""
        directories = []
        for place, entry in self._source.entries():
            self._name = entry.name
            if entry.is_file(follow_symlinks=False):
                self._copy_file(place, entry.name)
            elif entry.is_dir(follow_symlinks=False):
                directories.append(entry.name)
            else:
                self._copy_node(place, entry.name)
        return directories

    def _copy_file(self, place: int, name: str) -> None:
        source = os.open(name, _READ, dir_fd=place)
        self.entries += 1
        try:
            info = os.fstat(source)
            if info.st_nlink > 1 and self._link(name, info):
                return
            self._copy_open_file(source, name, info)
            self._note_flags(source, name)
        finally:
            os.close(source)

    def _copy_open_file(self, source: int, name: str, info: os.stat_result) -> None:
        # Created with its mode as far as the umask allows, so that most files need no chmod; its directory is still 0700.
        target = os.open(name, _CREATE, info.st_mode & 0o777, dir_fd=self._target.fd)
        try:
            if info.st_size:
                self._content.copy(source, target, info)
                self.bytes += info.st_size
                advance(info.st_size)
            carry(source, target, info, self._owners)
        finally:
            os.close(target)

    def _copy_node(self, source: int, name: str) -> None:
        """Copy an entry without content: a symbolic link, FIFO, socket or device."""
        target = self._target.fd
        try:
            info = os.stat(name, dir_fd=source, follow_symlinks=False)
        except FileNotFoundError:
            # In a directory that only one layer has, overlayfs lists whiteouts, which do not exist.
            return
        self.entries += 1
        if info.st_nlink > 1 and self._link(name, info):
            return
        if stat.S_ISLNK(info.st_mode):
            os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
        else:
            _make_node(target, name, info)
        # There is no listxattr relative to a directory, so the paths go through /proc. The last name is not followed.
        carry(f"/proc/self/fd/{source}/{name}", f"/proc/self/fd/{target}/{name}", info, self._owners)

    def _link(self, name: str, info: os.stat_result) -> bool:
        """Link ``name`` to the copy of its inode and return True, or record it as the first name of that copy."""
        here = [*self._source.trail, name]
        first = self._first_names.setdefault(identity(info), here)
        if first is here:
            return False
        directory = open_directory(self._target_fd, first[:-1])
        try:
            os.link(first[-1], name, src_dir_fd=directory, dst_dir_fd=self._target.fd, follow_symlinks=False)
        finally:
            os.close(directory)
        return True

    def _note_flags(self, fd: int, *name: str) -> None:
        flags = read_flags(fd)
        if flags:
            self._flagged.append(([*self._source.trail, *name], flags))

    def _apply_flags(self) -> None:
        """Set the flags, last of all: an immutable inode accepts no link, entry or metadata."""
        for names, flags in self._flagged:
            self._name = "/".join(names)
            directory = open_directory(self._target_fd, names[:-1])
            try:
                inode = os.open(names[-1], _READ, dir_fd=directory)
            finally:
                os.close(directory)
            try:
                write_flags(inode, flags)
            finally:
                os.close(inode)


def _make_node(directory: int, name: str, info: os.stat_result) -> None:
    try:
        os.mknod(name, info.st_mode, info.st_rdev, dir_fd=directory)
    except OSError as error:
        number = f"{os.major(info.st_rdev)}:{os.minor(info.st_rdev)}"
        raise OSError(error.errno, f"device or special file {number}: {error.strerror}") from error
