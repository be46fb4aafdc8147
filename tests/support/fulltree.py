# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree with one of everything that a tar can hold, and how what comes out of an archive is compared."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

from treelisting import listing

CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *item)
    for item in ((1, 6, 2**32 - 1), (2, 4, 1234), (4, 4, 2**32 - 1), (16, 4, 2**32 - 1), (32, 4, 2**32 - 1))
)
WHEN = 1_600_000_000_123_456_789
MEGABYTE = 1 << 20


def fill(top: Path) -> None:
    """Make one of everything that a tar can hold, a socket, which it can't, and a name that means something in images."""
    top.mkdir()
    (top / "dir/sub").mkdir(parents=True)
    (top / "dir/file").write_bytes(b"content" * 1000)
    os.link(top / "dir/file", top / "another name")
    os.symlink("t" * 300, top / "long link")
    os.symlink("/etc/passwd", top / "link")
    os.link(top / "link", top / "link of link", follow_symlinks=False)
    os.mkfifo(top / "fifo", 0o620)
    os.mknod(top / "char", 0o20600, os.makedev(10, 130))
    os.mknod(top / "block", 0o60600, os.makedev(259, 70000))
    (top / os.fsdecode(b"\xff\xfe\nx")).write_text("bytes")
    (top / ("n" * 200)).write_text("long")
    (top / ".wh.ale").write_text("no whiteout here")
    (top / "empty").touch()
    with open(top / "sparse", "wb") as file:
        for part in range(30):
            file.seek(part * MEGABYTE)
            file.write(b"%d" % part * 5000)
        file.truncate(40 * MEGABYTE)
    (top / "hole").touch()
    os.truncate(top / "hole", 3 * MEGABYTE)
    (top / "zeroes").write_bytes(bytes(100_000))
    (top / "suid").write_text("x")
    os.chown(top / "suid", 1, 4_000_000_000)
    os.chmod(top / "suid", 0o6755)
    (top / "capable").write_text("x")
    os.setxattr(top / "capable", "security.capability", CAPABILITY)
    os.setxattr(top / "capable", "system.posix_acl_access", ACL)
    os.setxattr(top / "dir", "user.note", b"\0\xff=\n")
    os.setxattr(top / "dir", "system.posix_acl_default", ACL)
    os.chmod(top / "dir", 0o2751)
    os.mknod(top / "socket", 0o140600)
    for path, directories, files in os.walk(top, topdown=False):
        for name in [*files, *directories]:
            os.utime(f"{path}/{name}", ns=(WHEN, WHEN), follow_symlinks=False)


def unpacked(tar: Path | bytes, top: Path) -> dict[bytes, dict[str, object]]:
    """Unpack with GNU tar, and list what comes out."""
    top.mkdir()
    command = ["tar", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-xpC", str(top)]
    subprocess.run(command, input=tar if isinstance(tar, bytes) else tar.read_bytes(), check=True)
    return listing(top)


def inside(top: str) -> dict[bytes, dict[str, object]]:
    """List a tree as it has to come out of an archive: without sockets."""
    found = listing(top)
    return {name: entry for name, entry in found.items() if not entry["mode"].startswith("0o14")}


def assert_same(found, wanted):
    """Fail if two listings differ, and say in what."""
    assert sorted(found) == sorted(wanted)
    assert {name: entry for name, entry in found.items() if entry != wanted[name]} == {}
