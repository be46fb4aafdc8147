# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrappers of Linux system calls that Python lacks.

Besides net/nft.py, which calls libnftables, this is the only module that uses ctypes. Each wrapper has the
name and the arguments of its call in section 2 of the manual. It raises the OSError of its errno
(FileExistsError, ...) with the path in ``filename`` and the name of the call in the text.
"""

from __future__ import annotations

import ctypes
import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from typing import Any, NoReturn, Optional, Union

    Path = Union[str, bytes]

# -- <linux/mount.h> -------------------------------------------------------------------------------

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_NOATIME = 0x400
MS_BIND = 0x1000
MS_MOVE = 0x2000
MS_REC = 0x4000
MS_UNBINDABLE = 1 << 17
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_SHARED = 1 << 20
MS_RELATIME = 1 << 21

MNT_FORCE = 0x1
MNT_DETACH = 0x2
UMOUNT_NOFOLLOW = 0x8

# -- <linux/fs.h>, <linux/fcntl.h>, <linux/openat2.h>, <linux/sched.h> -----------------------------

RENAME_NOREPLACE = 0x1
RENAME_EXCHANGE = 0x2
RENAME_WHITEOUT = 0x4

AT_FDCWD = -100

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10

MOVE_MOUNT_F_EMPTY_PATH = 0x4
OPEN_TREE_CLONE = 0x1
OPEN_TREE_CLOEXEC = os.O_CLOEXEC
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000
MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_IDMAP = 0x100000

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

# -- <linux/prctl.h> -------------------------------------------------------------------------------

PR_SET_CHILD_SUBREAPER = 36

# -- <sys/inotify.h> -------------------------------------------------------------------------------

IN_MODIFY = 0x2
IN_CLOSE_WRITE = 0x8
IN_MOVED_TO = 0x80
IN_CREATE = 0x100
IN_DELETE = 0x200

# -- <linux/quota.h> -------------------------------------------------------------------------------

Q_GETQUOTA = 0x800007
Q_SETQUOTA = 0x800008
PRJQUOTA = 2
QIF_LIMITS = 0x5

# -- prototypes ------------------------------------------------------------------------------------

#: Since Linux 5.1 a new call has the same number on all architectures except alpha.
_NR_OPENAT2 = 437
_NR_OPEN_TREE = 428
_NR_MOVE_MOUNT = 429
_NR_PIDFD_GETFD = 438
_NR_MOUNT_SETATTR = 442
_NR_QUOTACTL_FD = 443

#: For C libraries without the function: glibc before 2.28, musl before 1.2.6.
_NR_RENAMEAT2 = {
    "x86_64": 316,
    "aarch64": 276,
    "riscv64": 276,
    "loongarch64": 276,
    "s390x": 347,
    "ppc64le": 357,
    "ppc64": 357,
    "armv7l": 382,
    "i686": 353,
}


class _OpenHow(ctypes.Structure):
    """``struct open_how`` of openat2(2)."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


class _MountAttr(ctypes.Structure):
    """``struct mount_attr`` of mount_setattr(2)."""

    _fields_ = tuple((name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd"))


class Dqblk(ctypes.Structure):
    """``struct if_dqblk`` of quotactl(2); block limits are in units of 1024 bytes, ``curspace`` in bytes."""

    _fields_ = (
        *((name, ctypes.c_uint64) for name in ("bhardlimit", "bsoftlimit", "curspace", "ihardlimit")),
        *((name, ctypes.c_uint64) for name in ("isoftlimit", "curinodes", "btime", "itime")),
        ("valid", ctypes.c_uint32),
    )


_c = ctypes.CDLL(None, use_errno=True)
_int, _long, _ulong, _path = ctypes.c_int, ctypes.c_long, ctypes.c_ulong, ctypes.c_char_p


def _prototype(name: str, *arguments: Any) -> Any:
    # A new object for each: argtypes set on the library's own object (``syscall``) would apply to all its
    # callers.
    return ctypes.CFUNCTYPE(_int, *arguments, use_errno=True)((name, _c))


def _renameat2_prototype() -> Any:
    arguments = (_int, _path, _int, _path, ctypes.c_uint)
    if hasattr(_c, "renameat2"):
        return _prototype("renameat2", *arguments)
    number = _NR_RENAMEAT2.get(os.uname().machine, -1)  # -1: the kernel answers ENOSYS
    call = _prototype("syscall", _long, *arguments)
    return lambda *values: call(number, *values)


_mount = _prototype("mount", _path, _path, _path, _ulong, _path)
_umount2 = _prototype("umount2", _path, _int)
_unshare = _prototype("unshare", _int)
_setns = _prototype("setns", _int, _int)
_syncfs = _prototype("syncfs", _int)
#: The variant without 64 in its name fails for large file systems on 32-bit hosts; musl has only one variant.
_fstatfs = _prototype("fstatfs64" if hasattr(_c, "fstatfs64") else "fstatfs", _int, ctypes.c_void_p)
_prctl = _prototype("prctl", _int, _ulong, _ulong, _ulong, _ulong)
_inotify_init1 = _prototype("inotify_init1", _int)
_inotify_add_watch = _prototype("inotify_add_watch", _int, _path, ctypes.c_uint32)
_renameat2 = _renameat2_prototype()
_openat2 = _prototype("syscall", _long, _int, _path, ctypes.POINTER(_OpenHow), ctypes.c_size_t)
_open_tree = _prototype("syscall", _long, _int, _path, ctypes.c_uint)
_move_mount = _prototype("syscall", _long, _int, _path, _int, _path, ctypes.c_uint)
_mount_setattr = _prototype(
    "syscall", _long, _int, _path, ctypes.c_uint, ctypes.POINTER(_MountAttr), ctypes.c_size_t
)
_pidfd_getfd = _prototype("syscall", _long, _int, _int, ctypes.c_uint)
_quotactl = _prototype("quotactl", _int, _path, _int, ctypes.POINTER(Dqblk))
_quotactl_fd = _prototype(
    "syscall", _long, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint, ctypes.POINTER(Dqblk)
)

# -- calls -----------------------------------------------------------------------------------------


def mount(source: Optional[Path], target: Path, fstype: str, flags: int, data: Optional[Path] = None) -> None:
    """Mount ``source`` on ``target``; ``data`` holds the file system's own options."""
    if _mount(_c_string(source), _c_string(target), _c_string(fstype), flags, _c_string(data)):
        _fail("mount", target)


def umount2(target: Path, flags: int) -> None:
    """Unmount the topmost mount on ``target``."""
    if _umount2(_c_string(target), flags):
        _fail("umount2", target)


def open_tree(path: Path, flags: int) -> int:
    """Return a descriptor of the mount at ``path``, with OPEN_TREE_CLONE of a detached copy (Linux 5.2)."""
    fd: int = _open_tree(_NR_OPEN_TREE, AT_FDCWD, _c_string(path), flags | OPEN_TREE_CLOEXEC)
    return fd if fd >= 0 else _fail("open_tree", path)


def move_mount(fd: int, target: Path) -> None:
    """Attach a descriptor's mount to ``target``."""
    if _move_mount(_NR_MOVE_MOUNT, fd, b"", AT_FDCWD, _c_string(target), MOVE_MOUNT_F_EMPTY_PATH):
        _fail("move_mount", target)


def mount_setattr(fd: int, flags: int, attr_set: int, userns_fd: int = 0) -> None:
    """Change attributes of a descriptor's mount, with AT_RECURSIVE also of those below (Linux 5.12)."""
    attributes = _MountAttr(attr_set, 0, 0, userns_fd)
    size = ctypes.sizeof(attributes)
    if _mount_setattr(_NR_MOUNT_SETATTR, fd, b"", AT_EMPTY_PATH | flags, attributes, size):
        _fail("mount_setattr")


def quotactl(cmd: int, special: Path, identity: int, limits: Dqblk) -> None:
    """Read or set a project's quota on the file system of a block device."""
    if _quotactl(_signed(cmd << 8 | PRJQUOTA), _c_string(special), _signed(identity), limits):
        _fail("quotactl", special)


def quotactl_fd(fd: int, cmd: int, identity: int, limits: Dqblk) -> None:
    """Read or set a project's quota on the file system of a descriptor (Linux 5.14)."""
    if _quotactl_fd(_NR_QUOTACTL_FD, fd, cmd << 8 | PRJQUOTA, identity, limits):
        _fail("quotactl_fd")


def _signed(number: int) -> int:
    return ctypes.c_int(number).value


def renameat2(olddirfd: int, old: Path, newdirfd: int, new: Path, flags: int) -> None:
    """Rename with RENAME_NOREPLACE (FileExistsError) or RENAME_EXCHANGE; EINVAL if unsupported."""
    if _renameat2(olddirfd, _c_string(old), newdirfd, _c_string(new), flags):
        _fail("renameat2", old, new)


def openat2(dirfd: int, path: Path, flags: int, mode: int = 0, resolve: int = 0) -> int:
    """Open with RESOLVE_* rules and return the descriptor, which is close-on-exec as in Python.

    ``mode`` must be 0 without O_CREAT. Fails with ENOSYS before Linux 5.6.
    """
    how = _OpenHow(flags | os.O_CLOEXEC, mode, resolve)
    fd: int = _openat2(_NR_OPENAT2, dirfd, _c_string(path), how, ctypes.sizeof(how))
    return fd if fd >= 0 else _fail("openat2", path)


def syncfs(fd: int) -> None:
    """Write the whole file system of ``fd`` to disk."""
    if _syncfs(fd):
        _fail("syncfs")


def fstatfs_type(fd: int) -> int:
    """Return the type of a descriptor's file system: ``f_type`` of fstatfs(2), as an unsigned number."""
    buffer = ctypes.create_string_buffer(256)  # more than any struct statfs
    if _fstatfs(fd, buffer):
        _fail("fstatfs")
    kind = ctypes.c_uint if os.uname().machine == "s390x" else _long
    return int(kind.from_buffer(buffer).value) & 0xFFFFFFFF


def unshare(flags: int) -> None:
    """Move this process (for CLONE_NEWPID its children) into new namespaces."""
    if _unshare(flags):
        _fail("unshare")


def setns(fd: int, nstype: int) -> None:
    """Enter the namespace of ``fd``; ``nstype`` must be its kind (CLONE_NEW*), 0 accepts any."""
    if _setns(fd, nstype):
        _fail("setns")


def pidfd_getfd(pidfd: int, targetfd: int) -> int:
    """Return a duplicate of another process's descriptor, close-on-exec (Linux 5.6)."""
    fd: int = _pidfd_getfd(_NR_PIDFD_GETFD, pidfd, targetfd, 0)
    return fd if fd >= 0 else _fail("pidfd_getfd")


def prctl(option: int, argument: int) -> None:
    """Set an attribute of this process."""
    if _prctl(option, argument, 0, 0, 0):
        _fail("prctl")


def inotify_init1() -> int:
    """Return a new non-blocking, close-on-exec descriptor; fails with EMFILE if the user has too many."""
    fd: int = _inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    return fd if fd >= 0 else _fail("inotify_init1")


def inotify_add_watch(fd: int, path: Path, mask: int) -> int:
    """Watch a file, or those in a directory, for events (IN_*); return the number of the watch."""
    number: int = _inotify_add_watch(fd, _c_string(path), mask)
    return number if number >= 0 else _fail("inotify_add_watch", path)


def _c_string(text: Optional[Path]) -> Optional[bytes]:
    """Encode with the file system's encoding; raises ValueError for a NUL, where C would silently stop."""
    if text is None:
        return None
    encoded = os.fsencode(text)
    if b"\0" in encoded:
        raise ValueError(f"embedded null byte in {text!r}")
    return encoded


def _fail(call: str, path: Optional[Path] = None, other: Optional[Path] = None) -> NoReturn:
    number = ctypes.get_errno() or errno.EIO
    raise OSError(number, f"{os.strerror(number)} ({call})", path, None, other)
