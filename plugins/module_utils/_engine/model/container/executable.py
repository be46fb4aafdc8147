# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse a program's first bytes for what the kernel needs to run it: ELF machine and loader, or the ``#!`` line; pure.

Sources: elf(5); execve(2) "Interpreter scripts"; Linux fs/binfmt_script.c.
"""

from __future__ import annotations

import struct
from typing import NamedTuple, Optional

#: Bytes to read of a file: linkers put the loader's name directly after the program headers.
HEAD = 4096
#: The kernel reads only this much of a script (BINPRM_BUF_SIZE).
_LINE = 256
_PT_INTERP = 3
#: The ELF machines (elf.h, EM_*) that a kernel runs, by uname's machine.
_MACHINES = {
    "x86_64": {62, 3},
    "i686": {3},
    "aarch64": {183, 40},
    "armv7l": {40},
    "armv6l": {40},
    "ppc64le": {21},
    "ppc64": {21, 20},
    "s390x": {22},
    "riscv64": {243},
    "loongarch64": {258},
}

ELF, SCRIPT, UNKNOWN = "elf", "script", "unknown"


class Executable(NamedTuple):
    """The format of a file: ``kind`` is ELF, SCRIPT or UNKNOWN; ``interpreter`` the loader or the script's program, or ""."""

    kind: str
    machine: Optional[int] = None
    interpreter: str = ""

    def runs_on(self, architecture: str) -> bool:
        """Return whether a kernel of that architecture (uname's machine) can run the file; True if unknown."""
        return self.machine is None or self.machine in _MACHINES.get(architecture, {self.machine})


def parse(head: bytes) -> Executable:
    """Return the format of a file with these first bytes."""
    if head[:4] == b"\x7fELF":
        try:
            return _elf(head)
        except (struct.error, KeyError):
            return Executable(UNKNOWN)
    if head[:2] == b"#!":
        words = head[2:_LINE].split(b"\n", 1)[0].strip(b" \t").replace(b"\t", b" ").split(b" ", 1)
        return (
            Executable(SCRIPT, interpreter=words[0].decode("utf-8", "surrogateescape"))
            if words[0]
            else Executable(UNKNOWN)
        )
    return Executable(UNKNOWN)


def _elf(head: bytes) -> Executable:
    wide = {1: False, 2: True}[head[4]]
    order = {1: "<", 2: ">"}[head[5]]
    (machine,) = struct.unpack_from(f"{order}H", head, 18)
    (offset,) = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", head, 32 if wide else 28)
    size, count = struct.unpack_from(f"{order}HH", head, 54 if wide else 42)
    for number in range(count):
        at = offset + number * size
        if at + size > len(head) or size == 0:
            break
        found = _interpreter(head, at, order, wide=wide)
        if found is not None:
            return Executable(ELF, machine, found)
    return Executable(ELF, machine)


def _interpreter(head: bytes, at: int, order: str, *, wide: bool) -> str | None:
    """Return the loader in a program header: None for other headers, "" if its name is beyond the bytes read."""
    if struct.unpack_from(f"{order}I", head, at)[0] != _PT_INTERP:
        return None
    (begin,) = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", head, at + (8 if wide else 4))
    (length,) = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", head, at + (32 if wide else 16))
    if begin + length > len(head):
        return ""
    return head[begin : begin + length].split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
