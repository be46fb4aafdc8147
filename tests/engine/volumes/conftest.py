# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared fixtures of the volumes' tests: listings of trees, odd trees by name, mounts that end with the test.

SLIPWAY_COPY_UP_FILES sets the number of files in the tree of many small files; the default is small to keep the suite short.
"""

from __future__ import annotations

import array
import fcntl
import hashlib
import os
import socket
import stat
import struct
import subprocess
import sys
from pathlib import Path

import pytest

MANY = int(os.environ.get("SLIPWAY_COPY_UP_FILES", "1000"))
_GETFLAGS = 0x80006601 | struct.calcsize("l") << 16
_LARGE = 16 << 20
_BLOCK = 64 << 10


@pytest.fixture(autouse=True)
def _root(need):
    need(os.geteuid() == 0, "root")


def picture(root):
    """Return all metadata of each entry of a tree, by its path below the root."""
    root = os.fsencode(root)
    first_names: dict[tuple[int, int], bytes] = {}
    entries = {b".": describe(root)}
    for directory, names, files in os.walk(root):
        for name in sorted(names + files):
            path = os.path.join(directory, name)
            if not os.path.lexists(path):
                continue  # in a directory that only one layer has, overlayfs lists whiteouts
            info, below = os.lstat(path), os.path.relpath(path, root)
            entries[below] = describe(path)
            if not stat.S_ISDIR(info.st_mode) and info.st_nlink > 1:
                group = first_names.setdefault((info.st_dev, info.st_ino), below)
                entries[below]["links"] = (info.st_nlink, group)
    return entries


def describe(path: bytes) -> dict:
    """Return an entry's metadata, with the content of a file or the target of a symlink."""
    info = os.lstat(path)
    told = {
        "mode": oct(info.st_mode),
        "owner": (info.st_uid, info.st_gid),
        "modified": info.st_mtime_ns,
        "device": info.st_rdev,
        "attributes": {
            name: os.getxattr(path, name, follow_symlinks=False)
            for name in sorted(os.listxattr(path, follow_symlinks=False))
        },
    }
    if stat.S_ISLNK(info.st_mode):
        told["target"] = os.readlink(path)
    if stat.S_ISREG(info.st_mode):
        told["content"] = content(path, info.st_size)
    if stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode):
        told["flags"] = flags(path)
    return told


def content(path: bytes, size: int) -> object:
    """Return a file's content; of a large one its size and a digest of its data without the holes."""
    if size < _LARGE:
        return Path(os.fsdecode(path)).read_bytes()
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        end = 0
        while end < size:
            try:
                start = file.seek(end, os.SEEK_DATA)
            except OSError:  # ENXIO: only a hole follows
                break
            end = file.seek(start, os.SEEK_HOLE)
            for offset in range(start // _BLOCK * _BLOCK, end, _BLOCK):
                block = os.pread(file.fileno(), _BLOCK, offset)
                if block.strip(b"\0"):
                    digest.update(b"%d:%s" % (offset, block))
    return size, digest.hexdigest()


def flags(path: bytes) -> str:
    """Return which of immutable (i) and append-only (a) are set."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        found = array.array("l", [0])
        fcntl.ioctl(fd, _GETFLAGS, found)
    except OSError:  # a file system without flags
        return ""
    finally:
        os.close(fd)
    return "i" * bool(found[0] & 0x10) + "a" * bool(found[0] & 0x20)


@pytest.fixture(name="picture", scope="session")
def picture_fixture():
    """Return the function that lists a tree."""
    return picture


@pytest.fixture
def mount(tmp_path):
    """Return a function that runs the program mount; all its mounts end with the test."""
    targets = []

    def mount(*arguments: str, at: Path) -> Path:
        at.mkdir(exist_ok=True)
        subprocess.run(["mount", *arguments, os.fspath(at)], check=True)
        targets.append(at)
        return at

    yield mount
    for target in reversed(targets):
        subprocess.run(["umount", os.fspath(target)], check=True)


@pytest.fixture
def chattr(tmp_path):
    """Return a function that sets inode flags; at the end they are cleared below tmp_path."""

    def chattr(flag: str, *paths: Path) -> None:
        subprocess.run(["chattr", flag, *paths], check=True)

    yield chattr
    subprocess.run(["chattr", "-R", "-f", "-ia", tmp_path], check=False)


def write(path: Path, content: bytes = b"content", **metadata: int) -> Path:
    """Write a file and set uid, gid, mode."""
    path.write_bytes(content)
    os.chown(path, metadata.get("uid", 0), metadata.get("gid", 0))
    path.chmod(metadata.get("mode", 0o644))
    return path


def plain(root: Path) -> None:
    """Create files of several sizes and owners, and a directory with another mode and owner."""
    for size in (0, 1, 4096, 300_000, 3_000_000):
        write(root / f"file{size}", os.urandom(size), uid=size % 70000, gid=7, mode=0o604)
    below = root / "below"
    below.mkdir()
    write(below / "secret", uid=65534, mode=0)
    os.chown(below, 999, 998)
    below.chmod(0o1770)


def set_ids(root: Path) -> None:
    """Create setuid, setgid and sticky entries of other owners."""
    write(root / "su", uid=33, gid=34, mode=0o6755)
    (root / "shared").mkdir()
    write(root / "shared/inside", gid=5)
    os.chown(root / "shared", 12, 34)
    (root / "shared").chmod(0o3775)


def acls(root: Path) -> None:
    """Create access and default ACLs, also on the root."""
    write(root / "file")
    (root / "dir").mkdir()
    write(root / "dir/inside", mode=0o600)
    for path in (root, root / "file", root / "dir"):
        subprocess.run(["setfacl", "-m", "u:1234:rwx,g:77:r", path], check=True)
    subprocess.run(["setfacl", "-d", "-m", "u:4321:rwx", root, root / "dir"], check=True)


def attributes(root: Path) -> None:
    """Create attributes of all namespaces, a file capability, and some on a symlink and a directory."""
    file = write(root / "file", uid=5, mode=0o4755)
    capability = bytes.fromhex("0100000200040000000000000000000000000000")
    for name, value in {
        "user.a": b"\0\xff",
        "user.empty": b"",
        "trusted.t": b"1",
        "security.capability": capability,
    }.items():
        os.setxattr(file, name, value)
    os.setxattr(root, "user.root", b"r")
    (root / "link").symlink_to("file")
    os.setxattr(root / "link", "trusted.on.link", b"l", follow_symlinks=False)


def hard_links(root: Path) -> None:
    """Create hard links across directories, also to a symlink and a FIFO."""
    for name in ("a", "a/b", "z"):
        (root / name).mkdir()
    write(root / "a/b/one", b"shared" * 1000)
    for other in ("z/two", "three", "a/four"):
        os.link(root / "a/b/one", root / other)
    (root / "z/link").symlink_to("two")
    os.link(root / "z/link", root / "link2", follow_symlinks=False)
    os.mkfifo(root / "fifo")
    os.link(root / "fifo", root / "a/fifo")


def symlinks(root: Path) -> None:
    """Create dangling, absolute, circular and long symlinks, with an owner and a time."""
    for name, target in {
        "dangling": "nowhere",
        "absolute": "/etc/passwd",
        "up": "../..",
        "self": "self",
    }.items():
        (root / name).symlink_to(target)
        os.chown(root / name, 11, 22, follow_symlinks=False)
        os.utime(root / name, ns=(1, 123_456_789_123_456_789), follow_symlinks=False)
    (root / "long").symlink_to("x" * 4000)


def special_files(root: Path) -> None:
    """Create a FIFO, a socket, character and block devices, also the whiteout's 0:0."""
    os.mkfifo(root / "fifo", 0o622)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.fspath(root / "socket"))
    listener.close()
    for name, kind, major, minor in (
        ("null", stat.S_IFCHR, 1, 3),
        ("disk", stat.S_IFBLK, 7, 300),
        ("zero", stat.S_IFCHR, 0, 0),
    ):
        os.mknod(root / name, kind | 0o640, os.makedev(major, minor))
        os.chown(root / name, 3, 6)


def odd_names(root: Path) -> None:
    """Create names that are not UTF-8, contain newlines and spaces, or have the maximum length."""
    for name in (b"\xff\xfe", b"new\nline", b" ", b"-rf", b"\xe2\x98\x83", b"n" * 255):
        Path(os.fsdecode(os.path.join(os.fsencode(root), name))).write_bytes(name)
    (root / os.fsdecode(b"dir\x80")).mkdir()
    (root / os.fsdecode(b"dir\x80/\x81")).symlink_to(os.fsdecode(b"\x82"))


def old_times(root: Path) -> None:
    """Create times before 1970, in the far future, and with nanoseconds, also on directories."""
    (root / "dir").mkdir()
    for number, path in enumerate((write(root / "file"), write(root / "dir/file"), root / "dir", root)):
        os.utime(path, ns=(0, (-1_000_000_001, 4_000_000_000_999_999_999, 1, 999_999_999)[number]))


def sparse(root: Path) -> None:
    """Create sparse files: only a hole, data in the middle, data at the end."""
    for name, offset in {"hole": None, "middle": 4 << 20, "end": (8 << 20) - 5}.items():
        with (root / name).open("wb") as file:
            file.truncate(8 << 20)
            if offset is not None:
                file.seek(offset)
                file.write(b"data!")


def empty(root: Path) -> None:
    """Create nothing, but set the root's owner and mode."""
    os.chown(root, 101, 102)
    root.chmod(0o2751)


def wide(root: Path) -> None:
    """Create more directories, side by side and nested, than there are free descriptors."""
    for number in range(300):
        (root / f"{number}/x").mkdir(parents=True)
        write(root / f"{number}/x/file", str(number).encode())


def flagged(root: Path) -> None:
    """Create immutable and append-only files and directories, on two levels, one with a hard link."""
    (root / "dir/below").mkdir(parents=True)
    for name in ("i", "a", "dir/i", "dir/below/i"):
        write(root / name)
    os.link(root / "dir/i", root / "linked")
    for flag, name in (("+a", "a"), ("+i", "i"), ("+i", "dir/i"), ("+i", "dir/below/i"), ("+i", "dir")):
        subprocess.run(["chattr", flag, root / name], check=True)


def capabilities(root: Path) -> None:
    """Create file capabilities of both versions, with and without the effective bit, with other owners."""
    for number, value in enumerate(("cap_net_raw+ep", "cap_net_bind_service,cap_chown=p", "cap_setuid=eip")):
        subprocess.run(["setcap", value, write(root / f"two{number}", uid=number, mode=0o755)], check=True)
    with_root = struct.pack("<IIIIII", 0x03000001, 1 << 10, 0, 0, 0, 100000)
    os.setxattr(write(root / "three", mode=0o711), "security.capability", with_root)


def many_attributes(root: Path) -> None:
    """Create as many attributes as fit on an inode, one of them long, on a file and a directory."""
    (root / "dir").mkdir()
    for path in (write(root / "file"), root / "dir"):
        for number in range(40):
            os.setxattr(path, f"user.name-{number}", os.urandom(number))
        os.setxattr(path, "trusted.long", os.urandom(1500))


def attributes_on_nodes(root: Path) -> None:
    """Create attributes and ACLs on a FIFO, device, socket and symlink."""
    special_files(root)
    (root / "link").symlink_to("fifo")
    for name in ("fifo", "socket", "null", "disk", "link"):
        os.setxattr(root / name, "trusted.here", name.encode(), follow_symlinks=False)
    for name in ("fifo", "socket", "null"):
        subprocess.run(["setfacl", "-m", "u:55:r", root / name], check=True)


def default_acls(root: Path) -> None:
    """Create nested default ACLs, with masks, named groups, and entries that did not inherit."""
    (root / "a").mkdir()
    subprocess.run(["setfacl", "-d", "-m", "u:1:rwx,g:2:rx,m::rx", root / "a"], check=True)
    (root / "a/b").mkdir()
    subprocess.run(["setfacl", "-d", "-m", "u:3:-", root / "a/b"], check=True)
    (root / "a/b/c").mkdir()
    for path in ("a/file", "a/b/file", "a/b/c/file"):
        write(root / path, mode=0o640)
    subprocess.run(["setfacl", "-b", root / "a/b/c"], check=True)


def many_links(root: Path) -> None:
    """Create a file with many names in many directories, and many files with two names."""
    write(root / "one")
    for number in range(200):
        (root / f"{number % 20}").mkdir(exist_ok=True)
        os.link(root / "one", root / f"{number % 20}/one{number}")
        os.link(write(root / f"{number % 20}/two{number}", str(number).encode()), root / f"two{number}")


def every_byte(root: Path) -> None:
    """Create a name of each possible byte, as a file, a directory and a symlink."""
    top = os.fsencode(root)
    for number in {*range(1, 256)} - {ord("/"), ord(".")}:
        byte = bytes([number])
        Path(os.fsdecode(top + b"/" + byte)).write_bytes(byte)
        Path(os.fsdecode(top + b"/d" + byte)).mkdir()
        Path(os.fsdecode(top + b"/l" + byte)).symlink_to(os.fsdecode(byte))


def boundaries(root: Path) -> None:
    """Create files of sizes around those of blocks and pieces, of random bytes and of written zeros."""
    for size in (4095, 4096, 4097, 65535, 65537, 262143, 262144, 262145, 1 << 20):
        write(root / f"random{size}", os.urandom(size))
        write(root / f"zeros{size}", bytes(size))


def large_ids(root: Path) -> None:
    """Create owners up to the kernel's largest id."""
    for number in (65534, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 2):
        write(root / f"{number}", uid=number, gid=number)
        (root / f"l{number}").symlink_to("x")
        os.chown(root / f"l{number}", number, number, follow_symlinks=False)


def huge_hole(root: Path) -> None:
    """Create a file of 2 GiB with three pieces of data."""
    with (root / "huge").open("wb") as file:
        for offset in (0, 700 << 20, (2 << 30) - 8192):
            file.seek(offset)
            file.write(os.urandom(8192))


def many_files(root: Path, count: int = MANY) -> None:
    """Create many small files, a thousand per directory."""
    for number in range(count):
        if number % 1000 == 0:
            (root / f"{number // 1000}").mkdir()
        with open(f"{root}/{number // 1000}/{number}", "w", encoding="ascii") as file:
            file.write(f"file {number}")


TREES = (
    plain,
    set_ids,
    acls,
    attributes,
    hard_links,
    symlinks,
    special_files,
    odd_names,
    old_times,
    sparse,
    empty,
    wide,
    flagged,
    capabilities,
    many_attributes,
    attributes_on_nodes,
    default_acls,
    many_links,
    every_byte,
    boundaries,
    large_ids,
    huge_hole,
    many_files,
)


@pytest.fixture
def grow_tree():
    """Return the function that creates a tree of this many small files."""
    return many_files


@pytest.fixture(params=TREES, ids=lambda make: make.__name__)
def odd_tree(request, tmp_path):
    """Return the path of each odd tree in turn."""
    root = tmp_path / "source"
    root.mkdir()
    request.param(root)
    yield root
    # Immutable things, and 100,000 of them, are not left for pytest to delete.
    subprocess.run(["chattr", "-R", "-f", "-ia", tmp_path], check=False)


@pytest.fixture
def deep_tree(tmp_path):
    """Return the path of a tree of 2,000 levels; rm deletes it and its copies, because shutil can't."""
    script = (
        "import os\n"
        "for level in range(2000): os.mkdir('level'); os.chdir('level')\n"
        "open('file', 'w').close(); os.link('file', 'same'); os.mkfifo('fifo')"
    )
    root = tmp_path / "source"
    root.mkdir()
    subprocess.run([sys.executable, "-c", script], cwd=root, check=True)
    yield root
    subprocess.run(["rm", "-rf", *tmp_path.iterdir()], check=True)


@pytest.fixture
def every_tree(tmp_path):
    """Return the path of a tree that contains all the odd trees."""
    root = tmp_path / "source"
    for make in TREES:
        (root / make.__name__).mkdir(parents=True)
        make(root / make.__name__)
    yield root
    subprocess.run(["chattr", "-R", "-f", "-ia", tmp_path], check=False)
