# SPDX-License-Identifier: GPL-3.0-or-later
"""Change all that can be changed in a container's files, and see the images that containers become."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

from fulltree import ACL, CAPABILITY
from treelisting import listing

from _engine.lifecycle.build.commit import CommitRequest, commit
from _engine.lifecycle.core.lookup import find
from _engine.lifecycle.core.source import lowers_of
from _engine.lifecycle.files.export import open_view
from _engine.lifecycle.image.remove import remove_image
from _engine.lifecycle.info import info
from _engine.rootfs import view
from _engine.state import images
from dockerarchive import Link
from enginehost import STORAGE_DRIVER

#: Of what the image has, at a time of its own (2001).
FILES = {
    "etc/app": None,
    "etc/app/old": b"old",
    "etc/app/kept": b"kept",
    "etc/app/moved": b"moved",
    "etc/app/link": Link("kept"),
    "etc/app/owned": b"root's",
    "srv": None,
    "srv/deep": None,
    "srv/deep/er": None,
    "srv/deep/er/file": b"x",
    "srv/again": None,
    "srv/again/before": b"x",
    "srv/again/both": b"x",
    "srv/file": b"to be a directory",
    "srv/dir": None,
    "srv/dir/inside": b"x",
    "srv/tree": None,
    "srv/tree/sub": None,
    "srv/tree/sub/file": b"of a tree that moves",
}
#: When all that has changed has changed, so that two that did the same can be compared.
WHEN = 1_700_000_000_000_000_000
#: Older is the image's.
_IMAGE = 1_100_000_000


def alter(root: Path) -> None:
    """Remove, replace, rename, chmod, chown, and make one of everything that podman keeps as we do."""
    (root / "etc/app/old").unlink()
    (root / "etc/app/kept").write_text("other")
    (root / "etc/app/moved").rename(root / "etc/moved")
    (root / "etc/app/link").unlink()
    (root / "etc/app/link").symlink_to("/nowhere")
    os.chown(root / "etc/app/owned", 1000, 2000)
    os.chmod(root / "srv/deep", 0o2750)
    shutil.rmtree(root / "srv/again")
    (root / "srv/again").mkdir(0o711)
    (root / "srv/again/both").write_text("y")
    (root / "srv/file").unlink()
    (root / "srv/file").mkdir()
    (root / "srv/file/in it").touch()
    shutil.rmtree(root / "srv/dir")
    (root / "srv/dir").write_text("now a file")
    shutil.move(root / "srv/tree", root / "srv/elsewhere")
    (root / "gone").touch()
    (root / "gone").unlink()
    make_everything(root / "new")


def make_everything(top: Path) -> None:
    """Make a directory with one of everything."""
    top.mkdir()
    (top / "sub").mkdir()
    (top / "file").write_bytes(b"content" * 1000)
    os.link(top / "file", top / "sub/another name")
    os.symlink("t" * 300, top / "long link")
    os.mkfifo(top / "fifo", 0o620)
    os.mknod(top / "char", 0o20600, os.makedev(10, 130))
    os.mknod(top / "block", 0o60600, os.makedev(259, 70000))
    (top / os.fsdecode(b"\xff\xfe\nx")).write_text("bytes")
    with open(top / "sparse", "wb") as file:
        file.write(b"start")
        file.truncate(5 << 20)
    (top / "suid").write_text("x")
    os.chown(top / "suid", 1, 4_000_000)
    os.chmod(top / "suid", 0o6755)
    (top / "capable").write_text("x")
    os.setxattr(top / "capable", "security.capability", CAPABILITY)
    (top / "listed").write_text("x")
    os.setxattr(top / "listed", "system.posix_acl_access", ACL)
    os.setxattr(top / "listed", "user.note", b"\0\xff")
    os.mknod(top / "socket", 0o140600)


def settle(root: Path) -> None:
    """Give all that is not of the image one time; what is mounted there is passed over."""
    own = os.stat(root).st_dev
    for path, directories, files in os.walk(root):
        directories[:] = [name for name in directories if os.lstat(f"{path}/{name}").st_dev == own]
        for name in [*files, *directories]:
            if os.lstat(f"{path}/{name}").st_mtime > _IMAGE:
                os.utime(f"{path}/{name}", ns=(WHEN, WHEN), follow_symlinks=False)
    os.utime(root, ns=(WHEN, WHEN))


class Commits:
    """What tasks do with one host."""

    def __init__(self, host) -> None:
        self.host = host

    def commit(self, image: str = "localhost/out:1", *, check: bool = False, **options):
        """Commit container box."""
        with self.host.open(read_only=check) as engine:
            return commit(engine, CommitRequest("box", image, **options))

    def root(self, name: str = "box") -> Path:
        """Return the root directory of a container that runs."""
        return Path(f"/proc/{self.host.inspect(name)['State']['Pid']}/root")

    def layers(self, image: str) -> list[Path]:
        """Return the directories of an image's layers, topmost first."""
        with self.host.open(read_only=True) as engine, engine.database.reading() as connection:
            return [Path(path) for path in lowers_of(images.by_name(connection, image), engine.layout)]

    def seen(self) -> dict[bytes, dict[str, object]]:
        """Return as data what container box sees, without what is mounted in it and without sockets."""
        with self.host.open(read_only=True) as engine:
            fd, _written = open_view(engine, find(engine, "box"))
        try:
            return _without_sockets(listing(f"/proc/self/fd/{fd}/."))
        finally:
            os.close(fd)

    @contextmanager
    def mounted(self, image: str):
        """Give the tree of an image."""
        fd = view.open_image([str(path) for path in reversed(self.layers(image))], self.host.layout.staging)
        try:
            yield Path(f"/proc/self/fd/{fd}")
        finally:
            os.close(fd)

    def tree(self, image: str = "localhost/out:1") -> dict[bytes, dict[str, object]]:
        """Return an image's tree as data."""
        with self.mounted(image) as top:
            return _without_sockets(listing(f"{top}/."))


def _without_sockets(tree: dict[bytes, dict[str, object]]) -> dict[bytes, dict[str, object]]:
    return {path: entry for path, entry in tree.items() if not str(entry["mode"]).startswith("0o14")}


def empty(host) -> None:
    """Remove all containers, and all images but the host's own."""
    host.storage_driver = STORAGE_DRIVER
    host.clear()
    with host.open() as engine:
        for shape in info.images(engine).result["images"]:
            if host.image not in shape["RepoTags"]:
                remove_image(engine, shape["Id"], force=True)
