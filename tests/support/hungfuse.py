# SPDX-License-Identifier: GPL-3.0-or-later
"""Serve a FUSE file system that never answers: whoever looks into it waits in the kernel, and not even SIGKILL ends that.

So does a file server that is gone. As a program, ``hungfuse.py DIRECTORY`` mounts, says "ready", and serves until it is ended.
Source: <linux/fuse.h>.
"""

from __future__ import annotations

import os
import struct
import sys

from _engine.kernel import libc

_IN = struct.Struct("=IIQQIIII")
_OUT = struct.Struct("=IiQ")
_INIT_OUT = struct.Struct("=IIIIHHI40x")
_INIT = 26


def main(directory: str) -> None:
    """Answer the kernel's greeting, and nothing else."""
    fd = os.open("/dev/fuse", os.O_RDWR)
    libc.mount("hung", directory, "fuse", 0, f"fd={fd},rootmode=40000,user_id=0,group_id=0")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        request = os.read(fd, 1 << 20)
        _length, opcode, unique, *_rest = _IN.unpack_from(request)
        if opcode == _INIT:
            body = _INIT_OUT.pack(7, 31, 0, 0, 0, 0, 4096)
            os.write(fd, _OUT.pack(_OUT.size + len(body), 0, unique) + body)


if __name__ == "__main__":
    main(sys.argv[1])
