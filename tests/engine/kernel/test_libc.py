# SPDX-License-Identifier: GPL-3.0-or-later
"""Call the kernel."""

from __future__ import annotations

import os

import pytest

from _engine.kernel import libc


@pytest.fixture
def two(place):
    """Create the files ``a`` and ``b``; return a descriptor of their directory."""
    for name in "ab":
        (place / name).write_text(name)
    fd = os.open(place, os.O_RDONLY)
    yield fd
    os.close(fd)


def test_rename_does_not_replace(two, place):
    """A rename without replacing fails with both paths, and changes nothing."""
    with pytest.raises(FileExistsError, match="renameat2") as caught:
        libc.renameat2(two, "a", libc.AT_FDCWD, str(place / "b"), libc.RENAME_NOREPLACE)
    assert (caught.value.filename, caught.value.filename2) == ("a", str(place / "b"))
    assert [(place / name).read_text() for name in "ab"] == ["a", "b"]
    libc.renameat2(two, "a", two, b"c", libc.RENAME_NOREPLACE)
    assert sorted(os.listdir(place)) == ["b", "c"]


def test_rename_exchanges(two, place):
    """Two files exchange their names."""
    libc.renameat2(two, "a", two, "b", libc.RENAME_EXCHANGE)
    assert [(place / name).read_text() for name in "ab"] == ["b", "a"]


def test_rename_works_without_the_c_librarys_function(two, place, monkeypatch):
    """Without renameat2 in the C library, the call is made by its number."""

    class Older(libc.ctypes.CDLL):
        """A C library without the function."""

        def __getattr__(self, name: str) -> object:
            raise AttributeError(name)

    monkeypatch.setattr(libc, "_c", Older(None))
    monkeypatch.setattr(libc, "_renameat2", libc._renameat2_prototype())
    with pytest.raises(FileExistsError):
        libc.renameat2(two, "a", two, "b", libc.RENAME_NOREPLACE)
    libc.renameat2(two, "a", two, "c", libc.RENAME_NOREPLACE)
    assert sorted(os.listdir(place)) == ["b", "c"]


def test_openat2_keeps_beneath(two, place):
    """The RESOLVE_* rules reach the kernel, and the error names the call and the path."""
    os.symlink("/etc", place / "link")
    with pytest.raises(OSError, match="openat2") as caught:
        libc.openat2(two, "link/passwd", os.O_RDONLY, resolve=libc.RESOLVE_BENEATH)
    assert caught.value.filename == "link/passwd"
    fd = libc.openat2(two, "fresh", os.O_WRONLY | os.O_CREAT, 0o600, libc.RESOLVE_BENEATH)
    assert not os.get_inheritable(fd)
    os.close(fd)


def test_a_file_system_is_synced(two):
    """Syncing accepts any descriptor, and fails without one."""
    libc.syncfs(two)
    with pytest.raises(OSError, match="syncfs"):
        libc.syncfs(-1)


def test_errors_do_not_stick(two):
    """The errno of one call is not reported for another."""
    with pytest.raises(FileNotFoundError):
        libc.renameat2(two, "nowhere", two, "x", 0)
    with pytest.raises(OSError, match="Invalid argument"):
        libc.umount2("/etc/passwd", 0)


@pytest.mark.parametrize("kind", ["uts", "ipc", "net", "mnt"])
def test_a_namespace_is_made_and_left(python, kind):
    """A process gets a namespace of its own and enters its old one again."""
    flag = {
        "uts": libc.CLONE_NEWUTS,
        "ipc": libc.CLONE_NEWIPC,
        "net": libc.CLONE_NEWNET,
        "mnt": libc.CLONE_NEWNS,
    }
    code = (
        "import os, sys\nfrom _engine.kernel import libc\n"
        "path, flag = f'/proc/self/ns/{sys.argv[1]}', int(sys.argv[2])\n"
        "old = os.open(path, os.O_RDONLY)\nfirst = os.readlink(path)\n"
        "libc.unshare(flag)\nsecond = os.readlink(path)\n"
        "libc.setns(old, flag)\nprint(first != second, first == os.readlink(path))"
    )
    assert python(code, kind, flag[kind]) == "True True"


def test_the_wrong_kind_of_namespace_is_refused():
    """Entering a namespace as another kind fails."""
    fd = os.open("/proc/self/ns/uts", os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="setns"):
            libc.setns(fd, libc.CLONE_NEWNET)
    finally:
        os.close(fd)
