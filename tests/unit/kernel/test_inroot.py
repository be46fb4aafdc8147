# SPDX-License-Identifier: GPL-3.0-or-later
"""Open paths inside a root: openat2(2) and its replacement, the walk, must agree."""

from __future__ import annotations

import errno
import os
import stat
import time

import pytest

from _engine.kernel import inroot, untrusted_files

#: The mark of the outside: without the root, the same paths lead there.
OUTSIDE, INSIDE = b"outside", b"inside"

LINKS = {
    "abs": "/etc/passwd",
    "absdir": "/etc",
    "rel": "dir/sub",
    "trail": "etc/",
    "up": "../../../../../../etc/passwd",
    "absup": "/../../etc/passwd",
    "dir/out": "../../etc/passwd",
    "dir/self": ".",
    "dir/abs": "/etc/passwd",
    "loop": "loop",
    "ping": "pong/x",
    "pong": "ping/x",
    "dangling": "/made/../new",
    "dangling-file": "/etc/new",
}


@pytest.fixture(params=["kernel", "walk"])
def open_in(request, root, need):
    """Return each of the two implementations."""
    if request.param == "kernel":
        need(has_openat2(root), "openat2 (Linux 5.6)")
        return inroot._open_by_kernel
    return inroot._open_by_walk


def has_openat2(root: int) -> bool:
    """Return whether the kernel has openat2(2)."""
    try:
        os.close(inroot._open_by_kernel(root, ".", os.O_PATH))
    except OSError:
        return False
    return True


@pytest.fixture
def top(tmp_path):
    """Create a tree that contains a root, and return the root's path."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_bytes(OUTSIDE)
    top = tmp_path / "root"
    (top / "etc").mkdir(parents=True)
    (top / "dir/sub").mkdir(parents=True)
    (top / "etc/passwd").write_bytes(INSIDE)
    (top / "dir/sub/file").write_bytes(INSIDE)
    with open(os.fsencode(top) + b"/odd\xff name", "wb") as stream:
        stream.write(INSIDE)
    for name, target in LINKS.items():
        (top / name).symlink_to(target)
    for number in range(41):
        (top / f"link{number + 1}").symlink_to(f"link{number}" if number else "etc/passwd")
    return top


@pytest.fixture
def root(top):
    """Return a descriptor of the root."""
    fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    yield fd
    os.close(fd)


PATHS = [
    ("etc/passwd", INSIDE),
    ("/etc/passwd", INSIDE),
    ("//etc///passwd", INSIDE),
    ("./etc/./passwd", INSIDE),
    ("../etc/passwd", INSIDE),
    ("/../../../../../../../../../../etc/passwd", INSIDE),
    ("dir/../../etc/passwd", INSIDE),
    ("dir/sub/../../../../etc/passwd", INSIDE),
    ("abs", INSIDE),
    ("absdir/passwd", INSIDE),
    ("absdir/../../etc/passwd", INSIDE),
    ("rel/file", INSIDE),
    ("rel/../sub/file", INSIDE),
    ("rel/../../../etc/passwd", INSIDE),
    ("trail/passwd", INSIDE),
    ("up", INSIDE),
    ("absup", INSIDE),
    ("dir/out", INSIDE),
    ("dir/abs", INSIDE),
    ("dir/self/self/self/../etc/passwd", INSIDE),
    (b"odd\xff name", INSIDE),
    ("odd\udcff name", INSIDE),
    ("link40", INSIDE),
    ("link41", errno.ELOOP),
    ("loop", errno.ELOOP),
    ("loop/", errno.ELOOP),
    ("ping", errno.ELOOP),
    ("dangling", errno.ENOENT),
    ("nowhere", errno.ENOENT),
    ("nowhere/../etc/passwd", errno.ENOENT),
    ("", errno.ENOENT),
    ("etc/passwd/", errno.ENOTDIR),
    ("etc/passwd/.", errno.ENOTDIR),
    ("etc/passwd/..", errno.ENOTDIR),
    ("etc/passwd/./x", errno.ENOTDIR),
    ("etc/passwd/../passwd", errno.ENOTDIR),
    ("abs/", errno.ENOTDIR),
    ("abs/x", errno.ENOTDIR),
    ("x" * 256, errno.ENAMETOOLONG),
]


def content(open_in, root: int, path) -> object:
    """Return the content of a file inside the root, or the errno."""
    try:
        fd = open_in(root, path, os.O_RDONLY)
    except OSError as error:
        return error.errno
    with open(fd, "rb") as stream:
        return stream.read()


@pytest.mark.parametrize(("path", "expected"), PATHS, ids=lambda value: repr(value)[:40])
def test_a_path_never_leaves_the_root(open_in, root, path, expected):
    """A path has the meaning that it has in a process chrooted there."""
    assert content(open_in, root, path) == expected


@pytest.mark.parametrize(
    "path", ["/", ".", "..", "/..", "dir/..", "dir/sub/../..", "dir/sub/../../..", "rel/../.."]
)
def test_the_root_is_its_own_parent(open_in, root, top, path):
    """``..`` stops at the root."""
    fd = open_in(root, path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert os.path.samestat(os.fstat(fd), os.stat(top))
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/proc/self/cwd", errno.ELOOP),
        ("/proc/self/root/etc", errno.ELOOP),
        ("/proc/self/fd/0", errno.ELOOP),
        ("/proc/self/exe", errno.ELOOP),
        ("/proc/self/ns/mnt", errno.ELOOP),
        ("/proc/thread-self/cwd/x", errno.ELOOP),
        ("/proc/self/comm", None),
        ("/proc/mounts", None),
    ],
)
def test_magic_links_are_refused(open_in, path, expected):
    """Magic links of procfs are refused; its ordinary symlinks are followed."""
    root = os.open("/", os.O_RDONLY)
    try:
        found = content(open_in, root, path)
    finally:
        os.close(root)
    assert found == expected if expected else isinstance(found, bytes)


FLAGS = [
    ("abs", os.O_RDONLY | os.O_NOFOLLOW, errno.ELOOP),
    ("rel", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, errno.ENOTDIR),
    ("abs", os.O_PATH | os.O_NOFOLLOW, "abs"),
    ("abs", os.O_PATH, "etc/passwd"),
    ("absdir/passwd", os.O_PATH | os.O_NOFOLLOW, "etc/passwd"),
    ("rel/", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, "dir/sub"),
    ("rel/.", os.O_PATH | os.O_NOFOLLOW, "dir/sub"),
    ("etc/passwd", os.O_RDONLY | os.O_DIRECTORY, errno.ENOTDIR),
    ("etc/passwd", os.O_PATH | os.O_DIRECTORY, errno.ENOTDIR),
    ("etc", os.O_WRONLY, errno.EISDIR),
    ("etc/fresh", os.O_WRONLY | os.O_CREAT, "etc/fresh"),
    ("absdir/fresh", os.O_WRONLY | os.O_CREAT | os.O_EXCL, "etc/fresh"),
    ("dangling-file", os.O_WRONLY | os.O_CREAT, "etc/new"),
    ("dangling-file", os.O_WRONLY | os.O_CREAT | os.O_EXCL, errno.EEXIST),
    ("dangling", os.O_WRONLY | os.O_CREAT, errno.ENOENT),
    ("etc/passwd", os.O_WRONLY | os.O_CREAT | os.O_EXCL, errno.EEXIST),
    ("fresh/", os.O_WRONLY | os.O_CREAT, errno.EISDIR),
    ("etc/..", os.O_WRONLY | os.O_CREAT, errno.EISDIR),
]


@pytest.mark.parametrize(("path", "flags", "expected"), FLAGS)
def test_flags_mean_what_they_mean_to_open(open_in, top, path, flags, expected):
    """Each flag of open(2) has its usual effect inside a root."""
    if isinstance(expected, str):
        found = opened(open_in, top, path, flags)
        assert os.path.samestat(found, os.stat(top / expected, follow_symlinks=False))
    else:
        with pytest.raises(OSError, match=os.strerror(expected)):
            opened(open_in, top, path, flags)
    assert os.listdir(top.parent / "etc") == ["passwd"]


def opened(open_in, top, path: str, flags: int) -> os.stat_result:
    """Return the descriptor of a path opened inside the root."""
    root = os.open(top, os.O_PATH)
    try:
        fd = open_in(root, path, flags, 0o640)
    finally:
        os.close(root)
    try:
        return os.fstat(fd)
    finally:
        os.close(fd)


def test_a_nul_does_not_cut_a_path(open_in, root):
    """A path with a NUL is refused, not truncated at it."""
    with pytest.raises(ValueError, match="embedded null"):
        open_in(root, "etc/passwd\0.txt", os.O_RDONLY)


def test_descriptors_do_not_leak(open_in, root):
    """Only the requested descriptor stays open, whatever the result, and no program inherits it."""
    before = os.listdir("/proc/self/fd")
    for path, _ignored in PATHS:
        content(open_in, root, path)
    fd = open_in(root, "dir/sub/../sub", os.O_PATH)
    assert not os.get_inheritable(fd)
    os.close(fd)
    assert os.listdir("/proc/self/fd") == before


SWAP = """
import os, sys
from _engine.kernel import libc
os.chdir(sys.argv[1])
print(flush=True)
while True:
    for name in ("swapped", "file"):
        one, other = f"root/dir/{name}", f"root/dir/{name}-link"
        libc.renameat2(libc.AT_FDCWD, one, libc.AT_FDCWD, other, libc.RENAME_EXCHANGE)
    os.rename("root/dir/moved", "moved")
    os.rename("moved", "root/dir/moved")
"""

ATTACKS = [
    "dir/file",
    "dir/swapped{tmp}/secret",
    "dir/swapped/../../../secret",
    "dir/moved/../secret",
    "dir/moved/../../secret",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_race_never_leads_out(open_in, python, root, top, attack):
    """Nothing outside is opened while directories are swapped with symlinks or moved out."""
    tmp = top.parent
    (tmp / "secret").write_bytes(OUTSIDE)
    (top / "dir/swapped").mkdir()
    (top / "dir/swapped-link").symlink_to("/")
    (top / "dir/file").touch()
    (top / "dir/file-link").symlink_to(tmp / "secret")
    (top / "dir/moved").mkdir()
    python(SWAP, tmp).stdout.readline()
    seen = set()
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        seen.add(content(open_in, root, attack.format(tmp=tmp)))
    assert OUTSIDE not in seen


def test_a_file_is_opened_without_openat2(root, monkeypatch):
    """If the kernel lacks openat2, or a filter forbids it, the walk opens the path."""
    for refusal in (errno.ENOSYS, errno.EPERM, errno.EAGAIN):

        def refuse(*_: object, refusal: int = refusal) -> int:
            raise OSError(refusal, os.strerror(refusal))

        monkeypatch.setattr(inroot, "_open_by_kernel", refuse)
        assert content(inroot.open_in_root, root, "absup") == INSIDE


RESOLVED = [
    ("/abs", "etc/passwd"),
    ("rel/file", "dir/sub/file"),
    ("../../dir/self/sub/..", "dir"),
    ("nowhere", FileNotFoundError),
    ("etc/passwd/x", NotADirectoryError),
]


@pytest.mark.parametrize(("path", "expected"), RESOLVED)
def test_a_path_is_resolved_to_the_hosts(top, path, expected):
    """A path that exists inside the root is resolved to the host's path."""
    if isinstance(expected, str):
        assert inroot.resolve(str(top), path) == f"{top}/{expected}"
    else:
        with pytest.raises(expected):
            inroot.resolve(str(top), path)


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        ("/", "/"),
        ("/real", "/real"),
        ("/real/new/er", "/real/new/er"),
        ("/link", "/real"),
        ("/link/", "/real"),
        ("/link/new", "/real/new"),
        ("/absolute/new", "/real/below/new"),
        ("/link/below/../x", "/real/x"),
        ("/nowhere", "/nowhere"),
        ("/nowhere/new", "/nowhere/new"),
        ("/loop/x", "/loop/x"),
        ("/file/x", "/file/x"),
        ("/out/x", "/x"),
    ],
)
def test_where_a_path_leads(tmp_path, path, leads):
    """Symlinks are followed inside the root as far as they exist; the rest is kept."""
    (tmp_path / "real/below").mkdir(parents=True)
    (tmp_path / "file").touch()
    for name, target in {
        "link": "../../real",
        "absolute": "/real/below",
        "nowhere": "/gone",
        "loop": "loop",
        "out": "../..",
    }.items():
        (tmp_path / name).symlink_to(target)
    assert inroot.landing(str(tmp_path), path) == leads


READ = [
    ("up", INSIDE),
    ("nowhere", None),
    ("dangling", None),
    ("etc/passwd/x", None),
    ("loop", errno.ELOOP),
    ("etc", errno.EINVAL),
    ("pipe", errno.EINVAL),
    ("large", errno.EFBIG),
]


@pytest.mark.parametrize(("path", "expected"), READ)
def test_a_file_is_read(top, path, expected):
    """A regular file is read, a missing one is None, and others are refused unopened."""
    os.mkfifo(top / "pipe")
    (top / "large").write_bytes(bytes(101))
    try:
        found = untrusted_files.read_file(str(top), path, limit=100)
    except OSError as error:
        found = error.errno
    assert found == expected


MADE = [
    ("dir/sub", "dir/sub", set()),
    ("a/b/c", "a/b/c", {"a", "a/b", "a/b/c"}),
    ("/../a//b/", "a/b", {"a", "a/b"}),
    ("absdir/a", "etc/a", {"etc/a"}),
    ("rel/../a", "dir/a", {"dir/a"}),
    ("dangling/b", "new/b", {"made", "new", "new/b"}),
    ("up/x", NotADirectoryError, set()),
    ("loop/x", OSError, set()),
    ("", FileNotFoundError, set()),
]


@pytest.mark.parametrize(("path", "expected", "made"), MADE)
def test_directories_are_made_inside(root, top, path, expected, made):
    """Missing directories are created inside the root with the mode; the rest is untouched."""
    before = listing(top.parent)
    if isinstance(expected, str):
        fd = inroot.make_directory(root, path, mode=0o2775, uid=os.getuid(), gid=os.getgid())
        try:
            assert os.path.samestat(os.fstat(fd), os.stat(top / expected))
        finally:
            os.close(fd)
    else:
        with pytest.raises(expected):
            inroot.make_directory(root, path)
    assert listing(top.parent) - before == {f"root/{name}" for name in made}
    assert {stat.S_IMODE(os.stat(top / name).st_mode) for name in made} <= {0o2775}


def listing(path) -> set[str]:
    """Return the names of everything below."""
    return {str(found.relative_to(path)) for found in path.rglob("*")}
