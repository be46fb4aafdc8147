# SPDX-License-Identifier: GPL-3.0-or-later
"""Images created from a tree: complete and reproducible."""

from __future__ import annotations

import gzip
import json
import os
import socket
import struct
import subprocess

import pytest

from _engine.errors import ArchiveBroken, DigestMismatch, InvalidOption, NotFound
from _engine.images.build import import_tree
from _engine.images.tar.tree import Tree
from _engine.kernel.files import directory
from _engine.kernel.removal import remove_tree

CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)
WHEN = 1_600_000_000_123_456_789


@pytest.fixture
def tree(tmp_path):
    """Return a directory tree with one of everything."""
    top = tmp_path / "tree"
    top.mkdir()
    (top / "dir/sub").mkdir(parents=True)
    (top / "dir/file").write_bytes(b"content" * 1000)
    (top / "empty").touch()
    os.link(top / "dir/file", top / "another name")
    os.symlink("/etc/passwd", top / "dir/symlink")
    os.symlink("t" * 300, top / "dir/long")
    os.mkfifo(top / "fifo", 0o620)
    os.mknod(top / "null", 0o20666, os.makedev(1, 3))
    os.chmod(top / "null", 0o666)
    (top / os.fsdecode(b"\xff\xfe")).write_text("bytes")
    (top / ("n" * 200)).write_text("long")
    with open(top / "sparse", "wb") as file:
        file.write(b"start")
        file.seek(5_000_000)
        file.write(b"end")
        file.truncate(20_000_000)
    os.truncate(top / "empty", 3_000_000)
    (top / "capable").write_text("x")
    os.chown(top / "capable", 1000, 3_000_000)
    os.setxattr(top / "capable", "security.capability", CAPABILITY)
    os.setxattr(top / "dir", "user.note", b"\0\xff")
    os.setxattr(top / "dir/symlink", "trusted.note", b"1", follow_symlinks=False)
    os.chmod(top / "dir", 0o2751)
    os.chmod(top, 0o711)
    (top / "suid").write_text("x")
    os.chown(top / "suid", 1, 2)
    os.chmod(top / "suid", 0o6755)
    for path, directories, files in os.walk(top, topdown=False):
        for name in [*files, *directories]:
            os.utime(os.path.join(path, name), ns=(WHEN, WHEN), follow_symlinks=False)
    os.utime(top, ns=(WHEN, WHEN))
    return top


@pytest.fixture
def place(store):
    """Return a function that adds an imported tree to the store and returns its diff path."""

    def place(tree):
        (layer,) = tree.image.layers
        with tree.layer(layer) as chunks:
            store.add(layer.chain_id, chunks, lowers=())
        return store.diff_path(layer.chain_id)

    return place


def blocks(path):
    """Return the disk usage of a file."""
    return os.stat(path).st_blocks


def test_directory(tree, place, listing):
    """A directory becomes a layer with identical content, holes included."""
    diff = place(import_tree(str(tree)))
    assert listing(diff) == listing(tree)
    for name in ("sparse", "empty"):
        assert blocks(f"{diff}/{name}") == blocks(tree / name)


def test_same_tree_same_image(tree, tmp_path):
    """A copy of a tree gives the same image id, whatever its order and holes on the disk."""
    first = import_tree(str(tree)).image
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", "--sparse=never", tree, copy], check=True)
    assert import_tree(str(copy)).image.id == first.id
    assert import_tree(str(tree)).image.id == first.id


@pytest.mark.parametrize("change", ["content", "mode", "owner", "time", "name", "xattr", "root"])
def test_another_tree_another_image(change, tree):
    """Any change in a tree changes the image's id."""
    before = import_tree(str(tree)).image.id
    acts = {
        "content": lambda: (tree / "suid").write_text("y"),
        "mode": lambda: os.chmod(tree / "suid", 0o755),
        "owner": lambda: os.chown(tree / "suid", 3, 3),
        "time": lambda: os.utime(tree / "suid", ns=(WHEN, WHEN + 1)),
        "name": lambda: os.rename(tree / "suid", tree / "suid2"),
        "xattr": lambda: os.setxattr(tree / "suid", "user.a", b"1"),
        "root": lambda: os.chmod(tree, 0o755),
    }
    acts[change]()
    assert import_tree(str(tree)).image.id != before


def test_layer_is_canonical(tmp_path):
    """The bytes of a layer are fixed for good: an image id must not change with a new version of this engine."""
    top = tmp_path / "tree"
    (top / "a").mkdir(parents=True)
    (top / "a/file").write_text("content")
    (top / "b").write_bytes(bytes(8192) + b"x" * 5000)
    os.symlink("a/file", top / "link")
    for path in ("a/file", "a", "b", "link", "."):
        os.chown(top / path, 0, 0, follow_symlinks=False)
        os.utime(top / path, ns=(WHEN, WHEN), follow_symlinks=False)
    for path, mode in (("a/file", 0o644), ("a", 0o755), ("b", 0o600), (".", 0o755)):
        os.chmod(top / path, mode)
    (layer,) = import_tree(str(top)).image.layers
    assert layer.diff_id == "sha256:3e0ef5b79c5ac069dd2839d68edea86ff07df9d2ccdb282bc6b4403c4a8a55de"


def test_configuration(tree):
    """The configuration has the values of the changes, the time of the newest entry, and the message."""
    image = import_tree(str(tree), changes=['CMD ["/bin/app"]', "USER app"], message="made by hand").image
    config = json.loads(image.config)
    when = "2020-09-13T12:26:40Z"
    assert config["config"] == {"Cmd": ["/bin/app"], "User": "app"}
    assert config["created"] == when
    assert config["history"] == [{"created": when, "created_by": "slipway import", "comment": "made by hand"}]
    assert config["rootfs"] == {"type": "layers", "diff_ids": [image.layers[0].diff_id]}
    assert config["os"] == "linux"
    assert json.loads(import_tree(str(tree), created=0).image.config)["created"] == "1970-01-01T00:00:00Z"
    assert (
        json.loads(import_tree(str(tree), architecture="mips64le").image.config)["architecture"] == "mips64le"
    )


@pytest.mark.parametrize("compressed", [False, True])
def test_tar(compressed, tree, place, listing, tmp_path):
    """A tar becomes the layer unchanged; compressed or not, it gives the same image."""
    tar = subprocess.run(
        ["tar", "--format=posix", "--xattrs", "--xattrs-include=*", "-S", "-C", tree, "-c", "."],
        capture_output=True,
        check=True,
    ).stdout
    source = tmp_path / "tree.tar"
    source.write_bytes(gzip.compress(tar) if compressed else tar)
    imported = import_tree(str(source))
    (tmp_path / "plain.tar").write_bytes(tar)
    assert imported.image.id == import_tree(str(tmp_path / "plain.tar")).image.id
    assert listing(place(imported)) == listing(tree)


def test_nothing_is_written(tree, tmp_path):
    """Computing an image's id reads the tree and writes nothing; check mode relies on it."""
    before = {path: os.stat(path) for path in (tree, tmp_path)}
    import_tree(str(tree))
    assert {path: os.stat(path).st_mtime_ns for path in before} == {
        path: old.st_mtime_ns for path, old in before.items()
    }
    assert os.listdir(tmp_path) == ["tree"]


def test_socket_is_left_out(tree, place):
    """A socket cannot be in an image and is skipped."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tree / "socket"))
    assert "socket" not in os.listdir(place(import_tree(str(tree))))


def test_tree_changes_meanwhile(tree, place, store):
    """A tree that changes between hashing and copying is refused, and nothing is left."""
    imported = import_tree(str(tree))
    (tree / "suid").write_text("changed")
    with pytest.raises(DigestMismatch):
        place(imported)
    assert store.list() == ()


def test_bad_sources(tree, tmp_path):
    """An unusable source is an error that names it."""
    (tmp_path / "text").write_text("no tar" * 200)
    for source, error in (
        (tmp_path / "missing", NotFound),
        (tmp_path / "text", ArchiveBroken),
        ("/dev/null", ArchiveBroken),
    ):
        with pytest.raises(error):
            import_tree(str(source))
    with pytest.raises(InvalidOption, match="changes"):
        import_tree(str(tree), changes=["RUN true"])
    (tree / ".wh.file").touch()
    with pytest.raises(InvalidOption, match=r"\.wh\.file"):
        import_tree(str(tree))


@pytest.mark.parametrize(("depth", "is_taken"), [(1500, True), (2048, False)])
def test_deep_tree(depth, is_taken, store, tmp_path):
    """A tree may be as deep as a path can express; a deeper one, which no layer can contain, is refused."""
    deep = tmp_path / "deep"
    deep.mkdir()
    fd = os.open(deep, os.O_RDONLY)
    for level in range(depth):
        os.mkdir("d", dir_fd=fd)
        if level % 90 == 0:
            os.mknod("z", dir_fd=fd)
        above, fd = fd, os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(above)
    os.close(fd)
    try:
        if is_taken:
            tree = import_tree(str(deep))
            with tree.layer(tree.image.layers[0]) as chunks:
                content = store.add(tree.image.layers[0].chain_id, chunks, lowers=())
            assert content.entries == 1 + depth + len(range(0, depth, 90))
        else:
            with pytest.raises(InvalidOption, match="a path of more than 4094 bytes"):
                import_tree(str(deep))
    finally:
        for path in (deep, *map(store.diff_path, store.list())):  # pytest cannot remove such deep trees
            remove_tree(str(path))


def test_directory_that_moves_meanwhile(tmp_path):
    """A walk that returns to another directory than it left ends; it never continues elsewhere."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "elsewhere").mkdir()
    os.makedirs(tmp_path / "tree" / "/".join("d" * 150))
    with directory(str(tmp_path / "tree")) as top:
        chunks = Tree(str(tmp_path / "tree")).pieces(top)
        for _deep in range(140):
            next(chunks)
        os.rename(tmp_path / "tree" / "/".join("d" * 20), tmp_path / "elsewhere/d")
        with pytest.raises(InvalidOption, match="was moved"):
            list(chunks)


def test_attribute_without_a_value(place, tmp_path):
    """An empty attribute stays one, though a record without a value would delete it."""
    top = tmp_path / "top"
    top.mkdir()
    os.setxattr(top, "user.empty", b"")
    os.setxattr(top, "user.full", b"1")
    diff = place(import_tree(str(top)))
    assert {name: os.getxattr(diff, name) for name in os.listxattr(diff)} == {
        "user.empty": b"",
        "user.full": b"1",
    }


@pytest.mark.parametrize(
    ("when", "created"),
    [
        ("-5", "1970-01-01T00:00:00Z"),
        ("999999999999", "9999-12-31T23:59:59Z"),
        (str(2**63 - 1), "9999-12-31T23:59:59Z"),
    ],
)
def test_times_that_no_date_can_tell(when, created, archives, tmp_path):
    """An image of files with extreme times has the nearest time that RFC 3339 can express."""
    path = tmp_path / "tree.tar"
    path.write_bytes(archives.layer(("f", {"pax_headers": {"mtime": when}})))
    assert json.loads(import_tree(str(path)).image.config)["created"] == created
