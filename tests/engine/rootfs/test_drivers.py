# SPDX-License-Identifier: GPL-3.0-or-later
"""The same tests of all three storage drivers, on the real kernel."""

from __future__ import annotations

import os
import random
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from treelisting import listing

from _engine.errors import NotFound, StoreFull
from _engine.images.layers.unpack import unpack
from _engine.kernel import files, libc, mounts, removal
from _engine.kernel.process import find_by_argument
from _engine.lifecycle.resources.rootfs import driver_of
from _engine.model.engine.layout import Layout
from _engine.model.engine.storage_drivers import DRIVERS, FUSE, OVERLAY, VFS
from _engine.rootfs import mount_state as mounted_by
from dockerarchive import layer

WITH_MARKS = (FUSE, VFS)


class Driven:
    """A driver as used by containers without a user namespace."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._driver = driver_of(name)
        self.unmount = self._driver.unmount

    def is_mounted(self, container) -> bool:
        """Return whether the root file system is mounted."""
        return mounted_by.is_mounted(container, self.name)

    def mount(self, container, lowers) -> None:
        """Mount the root file system at ``container.merged``."""
        self._driver.mount(container, tuple(lowers), None, None)


@pytest.fixture(params=DRIVERS)
def driver(request, fuse_works) -> Driven:
    """Return each driver."""
    if request.param == FUSE:
        fuse_works()
    return Driven(request.param)


def read(directory):
    """Return the relative names of all files below the directory, with their texts."""
    return {
        str(path.relative_to(directory)): path.read_text()
        for path in Path(directory).rglob("*")
        if path.is_file()
    }


def whiteout(path):
    """Create overlayfs's whiteout, which hides a lower layer's file."""
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(0, 0))


def test_the_container_sees_image_and_own_files(driver, container, layers, mounted):
    """The tree has the image's files, accepts the container's writes, and leaves the image unchanged."""
    lowers = layers({"etc/motd": "image"})
    driver.mount(container, lowers)
    assert mounted() == ([] if driver.name == VFS else [container.merged])
    assert driver.is_mounted(container)
    assert read(container.merged) == {"etc/motd": "image"}
    Path(container.merged, "etc/motd").write_text("container")
    assert driver.name == VFS or read(container.upper) == {"etc/motd": "container"}
    assert read(lowers[0]) == {"etc/motd": "image"}


@pytest.mark.parametrize("count", [1, 2, 128, 500])
def test_layers_stack_in_order(driver, container, layers, count):
    """With any number of layers, all are visible, and a file comes from the highest layer that has it."""
    lowers = layers(*({"who": str(number), f"only/{number}": "x"} for number in range(count)))
    driver.mount(container, lowers)
    assert read(container.merged) == {
        "who": str(count - 1),
        **{f"only/{number}": "x" for number in range(count)},
    }


def test_an_image_without_layers_is_an_empty_root(driver, container):
    """An image without layers gives an empty root directory of mode 0755."""
    driver.mount(container, [])
    assert os.listdir(container.merged) == []
    assert stat.S_IMODE(os.stat(container.merged).st_mode) == 0o755


def test_whiteouts_and_opaque_directories_hide(driver, container, layers):
    """Files that a layer deletes or replaces are not visible."""
    lowers = layers({"gone": "1", "kept": "1", "replaced/old": "1"}, {"replaced/new": "2"})
    whiteout(os.path.join(lowers[1], "gone"))
    os.setxattr(os.path.join(lowers[1], "replaced"), "trusted.overlay.opaque", b"y")
    driver.mount(container, lowers)
    assert read(container.merged) == {"kept": "1", "replaced/new": "2"}


def test_mounting_again_does_nothing(driver, container, layers, mounted):
    """A mounted root file system is left alone."""
    lowers = layers({"a": "1"})
    driver.mount(container, lowers)
    Path(container.merged, "b").write_text("2")
    before = mounted()
    driver.mount(container, lowers)
    assert mounted() == before
    assert read(container.merged) == {"a": "1", "b": "2"}


def test_what_was_written_survives(driver, container, layers):
    """The container's files and its root's mode survive an unmount and a mount."""
    lowers = layers({"a": "1", "again/old": "1"})
    driver.mount(container, lowers)
    Path(container.merged, "b").write_text("2")
    os.unlink(os.path.join(container.merged, "a"))
    removal.remove_tree(f"{container.merged}/again")
    os.mkdir(f"{container.merged}/again")
    os.chmod(container.merged, 0o711)
    driver.unmount(container)
    driver.mount(container, lowers)
    assert read(container.merged) == {"b": "2"}
    assert sorted(os.listdir(container.merged)) == ["again", "b"]
    assert stat.S_IMODE(os.stat(container.merged).st_mode) == 0o711


def test_the_root_directory_is_the_images(driver, container, layers):
    """Owner, mode, time and attributes of ``/`` are the highest layer's, except overlayfs's attributes."""
    lowers = layers({"a": "1"}, {"b": "2"})
    top = lowers[1]
    os.chown(top, 1000, 2000)
    os.chmod(top, 0o1750)
    os.setxattr(top, "user.colour", b"blue")
    os.setxattr(top, "trusted.overlay.opaque", b"y")
    os.utime(top, ns=(1_000, 2_000))
    driver.mount(container, lowers)
    seen = os.stat(container.merged)
    assert (seen.st_uid, seen.st_gid, stat.S_IMODE(seen.st_mode), seen.st_mtime_ns) == (
        1000,
        2000,
        0o1750,
        2_000,
    )
    assert os.getxattr(container.merged, "user.colour") == b"blue"
    kept = container.merged if driver.name == VFS else container.upper
    assert "trusted.overlay.opaque" not in os.listxattr(kept)


def test_odd_paths_need_no_care(driver, place, layers):
    """Separators of mount options may occur in the paths of engine and layers."""
    lowers = layers({"a": "1"}, {"b": "2"})
    odd = place / (r"a,b\c d" if driver.name == FUSE else r"a:b,c\d e")
    os.rename(place / "layers", odd)
    lowers = [lower.replace(str(place / "layers"), str(odd)) for lower in lowers]
    container = Layout(root=str(odd / "root")).container("c" * 64)
    driver.mount(container, lowers)
    assert read(container.merged) == {"a": "1", "b": "2"}
    assert driver.is_mounted(container)
    driver.unmount(container)
    assert driver.is_mounted(container) is (driver.name == VFS)


def test_a_root_behind_a_symlink(driver, place, layers, mounted):
    """An engine whose root is a symlink to another disk sees its own mounts."""
    (place / "disk").mkdir()
    (place / "link").symlink_to(place / "disk")
    container = Layout(root=str(place / "link/root")).container("c" * 64)
    driver.mount(container, layers({"a": "1"}))
    driver.mount(container, layers())
    where = str(place / "disk/root/containers" / ("c" * 64) / "merged")
    assert mounted() == ([] if driver.name == VFS else [where])
    driver.unmount(container)
    assert mounted() == []


def test_unmounting_what_is_gone_is_fine(driver, container, layers, mounted):
    """Unmounting twice, before the first mount, or after deletion is no error."""
    driver.unmount(container)
    driver.mount(container, layers({"a": "1"}))
    driver.unmount(container)
    driver.unmount(container)
    removal.remove_tree(container.static)
    driver.unmount(container)
    assert mounted() == []


def test_a_missing_layer_is_named(driver, container, layers, mounted):
    """A missing layer is refused by its path; nothing stays mounted, and no program runs."""
    lowers = [*layers({"a": "1"}), "/nowhere/diff"]
    with pytest.raises(NotFound) as caught:
        driver.mount(container, lowers)
    assert caught.value.fields["name"] == "/nowhere/diff"
    driver.unmount(container)
    assert mounted() == []
    assert not find_by_argument(f"slipway-rootfs:{container.merged}")


def test_a_full_disk_is_said(driver, container, layers):
    """A full disk raises StoreFull and leaves nothing half-made; with space the mount succeeds."""
    lowers = layers({"a": "1"})
    os.makedirs(container.static)
    libc.mount("tmpfs", container.static, "tmpfs", 0, "nr_inodes=2")
    with pytest.raises(StoreFull):
        driver.mount(container, lowers)
    assert [name for name in os.listdir(container.static) if driver.name == VFS] == []
    libc.mount("tmpfs", container.static, "tmpfs", libc.MS_REMOUNT, "nr_inodes=100")
    driver.mount(container, lowers)
    assert read(container.merged) == {"a": "1"}


# -- layers with both kinds of markers ---------------------------------------------------------------


def drawn(seed: int) -> list[bytes]:
    """Return the tars of layers that add, replace and remove files and directories at random."""
    chance = random.Random(seed)
    return [layer(dict(entries(chance, "", number))) for number in range(6)]


def entries(chance: random.Random, above: str, number: int):
    """Yield the entries of one layer below a directory."""
    for name in "abcd":
        kind = chance.choice(["file", "directory", "mark", "nothing", "nothing"])
        if kind == "mark":
            yield f"{above}.wh.{name}", b""
        elif kind == "file":
            yield above + name, b"%d" % number
        elif kind == "directory" and above.count("/") < 3:
            yield above + name, None
            if chance.random() < 0.3:
                yield f"{above}{name}/.wh..wh..opq", b""
            yield from entries(chance, f"{above}{name}/", number)


def unpacked(tars: list[bytes], top: Path) -> list[str]:
    """Unpack layers, lowest first, as the store does, and return their paths."""
    paths: list[str] = []
    for number, tar in enumerate(tars):
        path = str(top / str(number))
        os.makedirs(path)
        with files.directory(path) as into:
            unpack(iter([tar]), into=into, lowers=paths[::-1])
        paths.append(path)
    return paths


@pytest.fixture
def no_upper(place):
    """Return a directory on a file system that cannot store overlayfs's markers: an overlay."""
    for name in ("l", "u", "w", "inside"):
        (place / name).mkdir()
    options = f"lowerdir={place}/l,upperdir={place}/u,workdir={place}/w"
    libc.mount("overlay", str(place / "inside"), "overlay", 0, options)
    return place / "inside"


@pytest.fixture
def no_attributes(place):
    """Return a directory on a file system without extended attributes."""
    (place / "ram").mkdir()
    libc.mount("ramfs", str(place / "ram"), "ramfs", 0)
    return place / "ram"


@pytest.mark.parametrize("seed", range(12))
def test_all_show_the_same(place, no_upper, no_attributes, fuse_works, seed):
    """Any stack of layers is the same tree with all drivers and all kinds of markers."""
    fuse_works()
    tars, seen = drawn(seed), []
    for top in (place, no_upper, no_attributes):
        lowers = unpacked(tars, top / "layers")
        for name in DRIVERS if top == place else WITH_MARKS:
            container = Layout(root=f"{place}/{top.name}-{name}").container("c" * 64)
            driver_of(name).mount(container, tuple(lowers), None, None)
            seen.append(listing(container.merged, ghosts=name == OVERLAY))
            driver_of(name).unmount(container)
    assert len(seen) == 7
    for found in seen[1:]:
        assert found == seen[0]


def test_the_marks_of_all_forms(place, no_upper, no_attributes):
    """A layer's markers are the kernel's if the file system supports them, otherwise files."""
    low = layer({"gone": b"1", "d/old": b"1"})
    tars = [low, layer({".wh.gone": b"", "d/.wh..wh..opq": b"", "d/new": b"2"})]
    high = unpacked(tars, place / "layers")[1]
    assert stat.S_ISCHR(os.stat(f"{high}/gone").st_mode)
    assert os.getxattr(f"{high}/d", "trusted.overlay.opaque") == b"y"
    assert os.listdir(f"{high}/d") == ["new"]
    assert sorted(os.listdir(unpacked(tars, no_upper / "layers")[1])) == [".wh.gone", "d"]
    assert sorted(os.listdir(f"{unpacked(tars, no_attributes / 'layers')[1]}/d")) == [".wh..wh..opq", "new"]


def test_an_upper_layer_that_came_first(container, layers):
    """A copy next to an upper layer, such as an imported checkpoint's, includes it as topmost layer."""
    lowers = layers({"a": "1", "b": "1"})
    os.makedirs(container.upper)
    Path(container.upper, "a").write_text("2")
    whiteout(f"{container.upper}/b")
    driver_of(VFS).mount(container, tuple(lowers), None, None)
    assert read(container.merged) == {"a": "2"}


def test_a_copy_shares_blocks_where_it_can(place, container, layers, need):
    """On a file system with reflinks the copy of an image takes no additional space."""
    need(shutil.which("mkfs.xfs"), "mkfs.xfs")
    image, top = place / "disk", place / "xfs"
    top.mkdir()
    with image.open("wb") as stream:
        stream.truncate(400 << 20)
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(top)], check=True)
    try:
        low = top / "layer"
        low.mkdir()
        (low / "big").write_bytes(os.urandom(20 << 20))
        container = Layout(root=str(top / "root")).container("c" * 64)
        os.sync()
        before = os.statvfs(top).f_bfree
        driver_of(VFS).mount(container, (str(low),), None, None)
        os.sync()
        assert (before - os.statvfs(top).f_bfree) * os.statvfs(top).f_frsize < 5 << 20
    finally:
        mounts.unmount_below(str(top))
