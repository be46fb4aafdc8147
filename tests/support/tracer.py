# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a function in a child, stop it at every system call that changes something, and kill it or let the call fail there.

A tracer of our own, since strace counts calls for each kind apart and starts a Python for each run: here the child is a
fork that has everything imported, so a run costs what the verb costs. Only the child itself is traced, not the programs
that it starts: those are what a killed task leaves running. Source: ptrace(2); x86-64 only.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

_TRACEME, _SYSCALL, _SETOPTIONS, _GETREGS, _SETREGS = 0, 24, 0x4200, 12, 13
_O_TRACESYSGOOD, _O_EXITKILL = 1, 0x100000
_SYSCALL_STOP = signal.SIGTRAP | 0x80

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long

_NAMES = (
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs"
).split()


class _Registers(ctypes.Structure):
    """``struct user_regs_struct`` of <sys/user.h>."""

    _fields_ = tuple((name, ctypes.c_ulonglong) for name in _NAMES)


#: Calls that always change something outside of the process, by their number on x86-64.
_CHANGING = {
    62: "kill", 74: "fsync", 75: "fdatasync", 76: "truncate", 77: "ftruncate", 82: "rename", 83: "mkdir", 84: "rmdir",
    86: "link", 87: "unlink", 88: "symlink", 90: "chmod", 91: "fchmod", 92: "chown", 93: "fchown", 94: "lchown",
    133: "mknod", 162: "sync", 165: "mount", 166: "umount2", 188: "setxattr", 189: "lsetxattr", 190: "fsetxattr",
    197: "removexattr", 198: "lremovexattr", 199: "fremovexattr", 258: "mkdirat", 259: "mknodat", 260: "fchownat",
    263: "unlinkat", 264: "renameat", 265: "linkat", 266: "symlinkat", 268: "fchmodat", 280: "utimensat",
    285: "fallocate", 306: "syncfs", 316: "renameat2", 326: "copy_file_range", 40: "sendfile", 424: "pidfd_send_signal",
    429: "move_mount", 431: "fsconfig", 432: "fsmount", 428: "open_tree", 442: "mount_setattr",
    44: "sendto", 46: "sendmsg",
    56: "clone", 57: "fork", 58: "vfork", 435: "clone3", 59: "execve", 272: "unshare",
}  # fmt: skip
_OPEN, _OPENAT, _OPENAT2 = 2, 257, 437
#: Their first argument is a descriptor; what it is decides.
_WRITES = {1: "write", 18: "pwrite64", 20: "writev", 296: "pwritev", 328: "pwritev2"}
_FICLONE = 0x40049409
_IOCTL = 16
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
#: What takes no room on a disk and is no promise to anybody.
_NOWHERE = ("/dev/", "pipe:", "socket:", "anon_inode:", "/memfd:")


class Call(NamedTuple):
    """A changing call: the how-many-th, its name, and what it is about as far as that is cheap to tell."""

    number: int
    name: str
    about: str


#: Decides of a call: None lets it go on, KILL ends the child before it, an errno lets it fail.
Decision = Callable[[Call], "int | None"]
KILL = -1
#: Exit code of a child whose function raised.
RAISED = 70


def trace(act: Callable[[], object], decide: Decision) -> tuple[int, list[Call]]:
    """Run ``act`` in a child; return its wait status and the changing calls that it came to.

    An exception in ``act`` is exit code RAISED and goes to the file descriptor that ``report`` of the child is: stderr.
    """
    child = os.fork()
    if child == 0:
        _be_child(act)
    return _Tracer(child, decide).run()


def _be_child(act: Callable[[], object]) -> None:
    code = RAISED
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        _ptrace(_TRACEME, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        act()
        code = 0
    except BaseException:  # noqa: BLE001  (told, and it must not go on as a second pytest)
        sys.stderr.write(traceback.format_exc())
        sys.stderr.flush()
    finally:
        os._exit(code)


class _Tracer:
    """One traced child."""

    def __init__(self, child: int, decide: Decision) -> None:
        self.child = child
        self.decide = decide
        self.calls: list[Call] = []
        self.inside = False
        self.failing: int | None = None

    def run(self) -> tuple[int, list[Call]]:
        """Go from call to call until the child has ended."""
        os.waitpid(self.child, 0)
        _ptrace(_SETOPTIONS, self.child, 0, _O_TRACESYSGOOD | _O_EXITKILL)
        deliver = 0
        while True:
            _ptrace(_SYSCALL, self.child, 0, deliver)
            _pid, state = os.waitpid(self.child, 0)
            if not os.WIFSTOPPED(state):
                return state, self.calls
            stopped = os.WSTOPSIG(state)
            deliver = 0 if stopped in (_SYSCALL_STOP, signal.SIGTRAP) else stopped
            if stopped == _SYSCALL_STOP:
                self.inside = not self.inside
                if not self._stop():
                    os.kill(self.child, signal.SIGKILL)
                    return os.waitpid(self.child, 0)[1], self.calls

    def _stop(self) -> bool:
        """See to the child at the beginning or the end of a call; False when it is to be killed."""
        registers = _Registers()
        _ptrace(_GETREGS, self.child, 0, ctypes.addressof(registers))
        if not self.inside:
            self._leave(registers)
            return True
        name, about = self._changing(registers)
        if not name:
            return True
        call = Call(len(self.calls) + 1, name, about)
        self.calls.append(call)
        verdict = self.decide(call)
        if verdict == KILL:
            return False
        if verdict is not None:
            self.failing = verdict
            registers.orig_rax = ctypes.c_ulonglong(-1).value
            _ptrace(_SETREGS, self.child, 0, ctypes.addressof(registers))
        return True

    def _leave(self, registers: _Registers) -> None:
        if self.failing is not None:
            registers.rax = ctypes.c_ulonglong(-self.failing).value
            self.failing = None
            _ptrace(_SETREGS, self.child, 0, ctypes.addressof(registers))

    def _changing(self, registers: _Registers) -> tuple[str, str]:
        """Return name and object of a call that changes something, empty for any other."""
        number = registers.orig_rax
        if number in _CHANGING:
            return _CHANGING[number], ""
        if number in _WRITES:
            target = self._target(registers.rdi)
            return ("", "") if target.startswith(_NOWHERE) else (_WRITES[number], target)
        if number == _OPEN:
            return ("open", "") if registers.rsi & _WRITING else ("", "")
        if number == _OPENAT:
            return ("openat", "") if registers.rdx & _WRITING else ("", "")
        if number == _OPENAT2:
            return ("openat2", "") if self._word(registers.rdx) & _WRITING else ("", "")
        return ("ioctl", "FICLONE") if number == _IOCTL and registers.rsi == _FICLONE else ("", "")

    def _target(self, fd: int) -> str:
        try:
            return str(Path(f"/proc/{self.child}/fd/{fd}").readlink())
        except OSError:
            return "/dev/closed"

    def _word(self, address: int) -> int:
        with open(f"/proc/{self.child}/mem", "rb") as memory:
            memory.seek(address)
            return int.from_bytes(memory.read(8), "little")


def _ptrace(request: int, pid: int, address: int, data: int) -> None:
    if _libc.ptrace(request, pid, address, data) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), errno.errorcode.get(code))
