# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy the content of a regular file in the fastest way that both file systems support."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator

#: _IOW(0x94, 9, int), linux/fs.h.
FICLONE = 0x40049409

#: The most bytes copied by one call: the kernel's MAX_RW_COUNT is just below 2 GiB.
_LONGEST = 1 << 30

#: The size of reads and writes, which fits in the processor's cache; larger ones were measured to be slower, smaller ones take
#: too many calls.
_PIECE = 256 * 1024

#: The errors of a call that a file system does not support, or not with the other file system.
_UNSUPPORTED = frozenset(
    {errno.EXDEV, errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.ETXTBSY}
)


class ContentCopier:
    """A copier of files between two file systems, which remembers the calls that they do not support.

    It tries in this order: FICLONE (share extents), copy_file_range(2), read and write. A mounted overlay is a file
    system of its own, so its files are read and written.
    """

    def __init__(self) -> None:
        self._clones = True
        self._kernel_copies = True

    def copy(self, source: int, target: int, info: os.stat_result) -> None:
        """Copy the content of an open file to another, empty one; holes are preserved."""
        if self._clones and self._clone(source, target):
            return
        if info.st_blocks * 512 >= info.st_size:
            self._copy_range(source, target, 0, info.st_size)
            return
        for start, end in data_ranges(source, info.st_size):
            self._copy_range(source, target, start, end)
        os.ftruncate(target, info.st_size)

    def _clone(self, source: int, target: int) -> bool:
        try:
            fcntl.ioctl(target, FICLONE, source)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            self._clones = False
        return self._clones

    def _copy_range(self, source: int, target: int, start: int, end: int) -> None:
        if self._kernel_copies:
            try:
                _copy_in_kernel(source, target, start, end)
            except OSError as error:
                if error.errno not in _UNSUPPORTED:
                    raise
                self._kernel_copies = False
            else:
                return
        _read_and_write(source, target, start, end)


def data_ranges(source: int, size: int, begin: int = 0) -> Iterator[tuple[int, int]]:
    """Yield start and end of each data range of a sparse file from ``begin`` on (lseek(2), SEEK_DATA)."""
    end = begin
    while end < size:
        try:
            start = os.lseek(source, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return
        end = os.lseek(source, start, os.SEEK_HOLE)
        yield start, end


def _copy_in_kernel(source: int, target: int, start: int, end: int) -> None:
    while start < end:
        copied = os.copy_file_range(source, target, min(end - start, _LONGEST), start, start)
        if not copied:
            return
        start += copied


def _read_and_write(source: int, target: int, start: int, end: int) -> None:
    while start < end:
        piece = os.pread(source, min(end - start, _PIECE), start)
        if not piece:
            return
        start += os.pwrite(target, piece, start)
