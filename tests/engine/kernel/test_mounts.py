# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount and unmount for real."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from _engine.kernel import libc, mountinfo, mounts


@pytest.fixture
def two(place):
    """Create a directory ``source`` with a file in it, and an empty ``target``; return both."""
    (place / "source/below").mkdir(parents=True)
    (place / "source/file").write_text("x")
    (place / "target").mkdir()
    yield place / "source", place / "target"
    mounts.unmount_below(str(place))


def options(path) -> set[str]:
    """Return the options of the mount on a path."""
    return set(mountinfo.at(str(path)).options.split(","))


def test_a_directory_is_shown_elsewhere(two):
    """Writes through a bind mount reach the source, and the mount's options say read-write or read-only."""
    source, target = two
    mounts.bind(str(source), str(target))
    (target / "new").touch()
    assert sorted(os.listdir(source)) == ["below", "file", "new"]


def test_a_file_is_shown_elsewhere(two):
    """A file can be bound onto a file."""
    source, target = two
    (target / "file").touch()
    mounts.bind(str(source / "file"), str(target / "file"))
    assert (target / "file").read_text() == "x"


def test_a_read_only_bind_refuses_writes_and_leaves_the_source_alone(two):
    """A read-only bind mount can't be written, while its source can."""
    source, target = two
    mounts.bind(str(source), str(target), read_only=True)
    with pytest.raises(OSError, match="Read-only"):
        (target / "new").touch()
    (source / "new").touch()
    assert (target / "new").exists()


def test_a_read_only_bind_keeps_the_flags_of_its_source(two):
    """A source mounted noexec and nodev remains so in a read-only bind mount."""
    source, target = two
    mounts.tmpfs(str(source), size=65536, mode=0o755, options=("nosuid", "nodev", "noexec"))
    mounts.bind(str(source), str(target), read_only=True)
    assert {"ro", "nosuid", "nodev", "noexec"} <= options(target)
    assert "rw" in options(source)


def test_a_locked_source_can_be_bound_read_only(two, python):
    """In a user namespace, where the source's flags are locked, a read-only bind works too."""
    source, target = two
    mounts.tmpfs(str(source), size=65536, mode=0o755, options=("nosuid", "nodev"))
    code = (
        "import sys\nfrom _engine.kernel import mounts, mountinfo\n"
        "mounts.bind(sys.argv[1], sys.argv[2], read_only=True)\n"
        "print(mountinfo.at(sys.argv[2]).options)\n"
    )
    try:
        told = python(code, source, target, wrapper=("unshare", "--user", "--map-root-user", "--mount"))
    finally:
        mounts.unmount(str(source))
    assert {"ro", "nosuid", "nodev"} <= set(told.split(","))


def test_mounts_below_are_shown_only_when_asked_for(two):
    """A recursive bind includes the mounts below its source; a plain one shows what they hide."""
    source, target = two
    mounts.tmpfs(str(source / "below"), size=65536, mode=0o755)
    (source / "below/inner").touch()
    mounts.bind(str(source), str(target))
    assert os.listdir(target / "below") == []
    mounts.unmount(str(target))
    mounts.bind(str(source), str(target), recursive=True)
    assert os.listdir(target / "below") == ["inner"]


def test_a_recursive_bind_is_read_only_all_through(two):
    """In a recursive read-only bind the mounts below are read-only too."""
    source, target = two
    mounts.tmpfs(str(source / "below"), size=65536, mode=0o755)
    mounts.bind(str(source), str(target), recursive=True, read_only=True)
    with pytest.raises(OSError, match="Read-only"):
        (target / "below/new").touch()
    (source / "below/new").touch()


def test_a_target_behind_a_symlink_is_made_read_only(two):
    """A bind onto a path through a symlink is read-only too."""
    source, target = two
    (target.parent / "link").symlink_to("target")
    mounts.bind(str(source), str(target.parent / "link"), read_only=True)
    assert "ro" in options(target)


def test_a_bind_that_fails_leaves_nothing(two):
    """The error for a missing source names its path, and nothing is mounted."""
    source, target = two
    with pytest.raises(FileNotFoundError) as caught:
        mounts.bind(f"{source}/nowhere", str(target), read_only=True)
    assert caught.value.filename == str(target)
    assert mountinfo.at(str(target)) is None


def test_a_tmpfs_has_size_mode_and_options(two):
    """A tmpfs has its size limit, mode and options, including tmpfs's own."""
    _ignored, target = two
    mounts.tmpfs(str(target), size=1 << 20, mode=0o1777, options=("nosuid", "noexec", "nr_inodes=10"))
    seen = os.statvfs(target)
    assert seen.f_blocks * seen.f_frsize == 1 << 20
    assert seen.f_files == 10
    assert stat.S_IMODE(os.stat(target).st_mode) == 0o1777
    assert {"nosuid", "noexec"} <= options(target)
    assert "nodev" not in options(target)


def test_unmounting_what_is_not_mounted_is_fine(two, place):
    """A directory, a file, a symlink to a mount, and a missing path: nothing to unmount."""
    source, target = two
    mounts.tmpfs(str(target), size=65536, mode=0o755)
    (place / "link").symlink_to("target")
    for path in (source, source / "file", place / "link", place / "nowhere", source / "file/below"):
        mounts.unmount(str(path))
    assert mountinfo.at(str(target)) is not None


def test_a_stack_is_unmounted_whole(two):
    """All mounts stacked on a directory are unmounted together."""
    _ignored, target = two
    for _ignored in range(4):
        mounts.tmpfs(str(target), size=65536, mode=0o755)
    mounts.unmount(str(target))
    assert mountinfo.at(str(target)) is None


def test_a_busy_mount_is_detached(two):
    """A mount in use becomes invisible immediately, and its user continues."""
    _ignored, target = two
    mounts.tmpfs(str(target), size=65536, mode=0o755)
    with open(target / "file", "w+", encoding="ascii") as stream:
        mounts.unmount(str(target))
        assert mountinfo.at(str(target)) is None
        assert os.listdir(target) == []
        stream.write("still works")
        stream.flush()


def test_all_below_is_unmounted(two):
    """Nested, stacked and hidden mounts are unmounted, others stay."""
    _ignored, target = two
    beside = target.parent / "target-beside"
    for path in (target, target / "a", target / "a/b", target / "a/b", target / "c", beside):
        path.mkdir(exist_ok=True)
        mounts.tmpfs(str(path), size=65536, mode=0o755)
    mounts.tmpfs(str(target), size=65536, mode=0o755)  # hides all the others
    (target / "a").mkdir()
    mounts.tmpfs(str(target / "a"), size=65536, mode=0o755)
    mounts.unmount_below(str(target))
    assert mountinfo.below(str(target)) == ()
    assert mountinfo.at(str(beside)) is not None


def test_nothing_below_is_fine(place):
    """A path without mounts, or a missing one: nothing to unmount."""
    mounts.unmount_below(str(place))
    mounts.unmount_below(str(place / "nowhere"))
    assert mountinfo.below(str(place)) == ()
    assert not os.path.lexists(place / "nowhere")


def test_a_refused_unmount_is_told(two, python):
    """A denied unmount is an error, not mistaken for a missing mount."""
    _ignored, target = two
    target.parent.chmod(0o755)
    mounts.tmpfs(str(target), size=65536, mode=0o755)
    code = """
import os, sys
from _engine.kernel import mounts
os.chdir(os.path.dirname(sys.argv[1]))
os.setuid(65534)
try:
    mounts.unmount("target")
except OSError as error:
    print(error.errno)
"""
    assert python(code, target) == str(errno.EPERM)


def test_flags_are_the_kernels(two):
    """The constants are the kernel's: a mount made with a flag has it."""
    _ignored, target = two
    libc.mount("x", str(target), "tmpfs", libc.MS_NOATIME | libc.MS_RDONLY)
    assert {"ro", "noatime"} <= options(target)
