# SPDX-License-Identifier: GPL-3.0-or-later
"""Determine what a host lacks for a storage driver, and explain errors of its mounts."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..errors import EngineError, HostLacks, NotFound, StoreFull
from ..kernel import mountinfo
from ..kernel.command import find_program
from ..model.engine.storage_drivers import FUSE, OVERLAY

#: File systems that cannot have an upper layer: without whiteouts, d_type or trusted.* attributes, or changed by
#: other hosts (Documentation/filesystems/overlayfs.rst, "Upper and Lower").
_UNFIT = frozenset(
    "9p afs aufs cifs ecryptfs exfat hfsplus iso9660 msdos nfs nfs4 ntfs overlay smb3 squashfs vfat".split()
)
FUSE_DEVICE = "/dev/fuse"
_FIT = "Use an engine root on ext4, btrfs, or xfs made with ftype=1"


def foresee(driver: str, place: str) -> None:
    """Check a driver without a test mount; ``place`` need not exist yet. Raises HostLacks."""
    if driver == OVERLAY:
        probe(place)
    elif driver == FUSE:
        find_fuse()
        if ":" in os.path.realpath(place):
            raise HostLacks(
                f"fuse-overlayfs does not support a colon in a path: {os.path.realpath(place)}", path=place
            )


def host(place: str) -> str:
    """Return, as text, what a test's result depends on besides the boot; a change repeats the test."""
    entry = file_system(place)
    program = find_program(FUSE)
    seen = os.stat(program) if program else None
    parts = (
        (entry.device, entry.fstype, entry.source) if entry else (),
        kernel_can(),
        (seen.st_ino, seen.st_mtime_ns) if seen else (),
        os.path.exists(FUSE_DEVICE),
    )
    return repr(parts)


def find_fuse() -> str:
    """Return the path of fuse-overlayfs. Raises HostLacks without it, or without FUSE."""
    program = find_program(FUSE)
    if program is None:
        raise HostLacks(
            "fuse-overlayfs is not installed", remedy="Install the package fuse-overlayfs", program=FUSE
        )
    if not os.path.exists(FUSE_DEVICE):
        raise no_fuse()
    return program


def probe(directory: str) -> None:
    """Check that overlayfs can be used below ``directory``, without trying it or changing anything.

    The directory need not exist yet. Raises HostLacks.
    """
    if not kernel_can():
        raise _no_overlayfs()
    entry = file_system(directory)
    if entry is not None and entry.fstype in _UNFIT:
        raise _unfit(directory, entry)


@contextmanager
def explained(
    directory: str, lowers: Sequence[str], *, fuse: bool = False, below: str | None = None
) -> Iterator[None]:
    """Translate the kernel's error of a mount below ``directory`` into one with a remedy.

    ``fuse``: the mount is not of overlayfs. ``below``: the user's directory below an overlay.
    """
    try:
        yield
    except OSError as error:
        found = (
            _explain_place(error, directory, lowers) if fuse else _explain(error, directory, lowers, below)
        )
        if found is None:
            raise
        raise found from error


def _explain(error: OSError, directory: str, lowers: Sequence[str], below: str | None) -> EngineError | None:
    if error.errno == errno.ENODEV:
        return _no_overlayfs()
    if error.errno == errno.EINVAL:
        entry = file_system(directory)
        if below is not None and entry is not None and entry.fstype not in _UNFIT:
            return _no_lower(below)
        return _unfit(directory, entry)
    return _explain_place(error, directory, lowers)


def _explain_place(error: OSError, directory: str, lowers: Sequence[str]) -> EngineError | None:
    """Explain an error that does not depend on the kind of mount; None if there is no explanation."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(
            f"no space is left in {directory}", remedy="Free space on that file system", path=directory
        )
    if error.errno == errno.ENOENT:
        missing = next((lower for lower in lowers if not os.path.isdir(lower)), None)
        return NotFound("layer", missing, remedy="Load the image again") if missing else None
    return None


def _no_overlayfs() -> HostLacks:
    return HostLacks(
        f"the kernel ({os.uname().release}) has no overlayfs",
        remedy="Load the module: modprobe overlay. If a kernel update removed it, reboot",
        feature="overlayfs",
    )


def no_fuse() -> HostLacks:
    """Return the error for a kernel without FUSE."""
    return HostLacks(
        f"the kernel ({os.uname().release}) has no FUSE, or {FUSE_DEVICE} does not exist",
        remedy="Load the module: modprobe fuse. In a container, add the device",
        feature="fuse",
    )


def _unfit(directory: str, entry: mountinfo.MountEntry | None) -> HostLacks:
    kind, where = (entry.fstype, entry.target) if entry else ("unknown", directory)
    return HostLacks(
        f"overlayfs cannot use {directory} for its upper layer: the file system ({kind} at {where}) is unsuitable",
        remedy=f"{_FIT}; the kernel log (dmesg) has the reason",
        feature="overlayfs",
        path=directory,
        fstype=kind,
    )


def _no_lower(path: str) -> HostLacks:
    entry = file_system(path)
    kind = entry.fstype if entry else "unknown"
    return HostLacks(
        f"overlayfs cannot use {path} as its lower layer: the file system ({kind}) is unsuitable",
        remedy="Mount it without O, or mount a copy of it; the kernel log (dmesg) has the reason",
        feature="overlayfs",
        path=path,
        fstype=kind,
    )


def kernel_can() -> bool:
    """Return whether overlayfs is in the kernel, or a module that mount(2) loads on demand."""
    with open("/proc/filesystems", encoding="ascii") as known:
        if any(line.split()[-1] == "overlay" for line in known):
            return True
    return os.path.isdir(f"/lib/modules/{os.uname().release}/kernel/fs/overlayfs")


def file_system(path: str) -> mountinfo.MountEntry | None:
    """Return the mount that contains ``path``, which need not exist."""
    current = os.path.realpath(path)
    while True:
        entry = mountinfo.at(current)
        if entry is not None or current == "/":
            return entry
        current = os.path.dirname(current)
