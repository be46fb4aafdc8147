# SPDX-License-Identifier: GPL-3.0-or-later
"""Call the Linux system calls that Python lacks; the only file that knows ctypes."""

from __future__ import annotations

import ctypes
import os
import platform

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 0x1, 0x2, 0x4, 0x8
MS_REMOUNT, MS_BIND, MS_REC = 0x20, 0x1000, 0x4000
MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE, MS_SHARED = 1 << 17, 1 << 18, 1 << 19, 1 << 20
MNT_DETACH, UMOUNT_NOFOLLOW = 0x2, 0x8
RENAME_NOREPLACE, RENAME_EXCHANGE = 0x1, 0x2
RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH, RESOLVE_IN_ROOT = 0x02, 0x04, 0x08, 0x10
CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWPID, CLONE_NEWUSER = (
    0x20000, 0x40000000, 0x8000000, 0x4000000, 0x20000000, 0x10000000,
)
AT_FDCWD = -100

#: The same number on every architecture, since it is younger than their unification.
_SYS_OPENAT2 = 437
_SYS_RENAMEAT2 = {"x86_64": 316, "aarch64": 276, "riscv64": 276, "s390x": 347, "ppc64le": 357, "armv7l": 382}
_SYS_SYNCFS = {"x86_64": 306, "aarch64": 267, "riscv64": 267, "s390x": 338, "ppc64le": 348, "armv7l": 373}


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_C = ctypes.CDLL(None, use_errno=True)
_C.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
_C.umount2.argtypes = (ctypes.c_char_p, ctypes.c_int)
_C.unshare.argtypes = (ctypes.c_int,)
_C.setns.argtypes = (ctypes.c_int, ctypes.c_int)
_C.syscall.restype = ctypes.c_long


def _failed(call: str, *paths: object) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{os.strerror(number)} ({call})", *(os.fsdecode(path) for path in paths if path))  # type: ignore[arg-type]


def mount(source: str, target: str, fstype: str, flags: int, data: str = "") -> None:
    """Call mount(2)."""
    if _C.mount(os.fsencode(source), os.fsencode(target), fstype.encode(), flags, os.fsencode(data)):
        raise _failed("mount", target)


def umount2(target: str, flags: int) -> None:
    """Call umount2(2)."""
    if _C.umount2(os.fsencode(target), flags):
        raise _failed("umount2", target)


def unshare(flags: int) -> None:
    """Call unshare(2)."""
    if _C.unshare(flags):
        raise _failed("unshare")


def setns(fd: int, nstype: int) -> None:
    """Call setns(2)."""
    if _C.setns(fd, nstype):
        raise _failed("setns")


def renameat2(olddirfd: int, old: str, newdirfd: int, new: str, flags: int) -> None:
    """Call renameat2(2)."""
    number = _SYS_RENAMEAT2[platform.machine()]
    if _C.syscall(number, olddirfd, os.fsencode(old), newdirfd, os.fsencode(new), ctypes.c_uint(flags)):
        raise _failed("renameat2", old)


def syncfs(fd: int) -> None:
    """Call syncfs(2): write out the file system that ``fd`` lies on."""
    if _C.syscall(_SYS_SYNCFS[platform.machine()], fd):
        raise _failed("syncfs")


def openat2(dirfd: int, path: str | bytes, flags: int, mode: int = 0, resolve: int = 0) -> int:
    """Call openat2(2); close-on-exec is always set, as in os.open."""
    how = _OpenHow(flags | os.O_CLOEXEC, mode, resolve)
    fd = _C.syscall(_SYS_OPENAT2, dirfd, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how))
    if fd < 0:
        raise _failed("openat2", path)
    return int(fd)
