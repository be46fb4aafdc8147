# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from _engine.errors import HostLacks, NotFound, StoreFull
from _engine.kernel import libc, removal
from _engine.model.layout import Layout
from _engine.rootfs import overlay


def read(directory):
    """Return the relative names of all files below the directory, with their texts."""
    return {
        str(path.relative_to(directory)): path.read_text()
        for path in Path(directory).rglob("*")
        if path.is_file()
    }


def whiteout(path):
    """Hide the lower layers' file, as overlayfs wants it."""
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(0, 0))


def test_the_container_sees_image_and_own_files(container, layers, mounted):
    """The merged tree shows the image, takes the container's writes, and leaves the image as it was."""
    lowers = layers({"etc/motd": "image"})
    assert overlay.mount(container, lowers) == container.merged
    assert mounted() == [container.merged]
    assert read(container.merged) == {"etc/motd": "image"}
    Path(container.merged, "etc/motd").write_text("container")
    assert read(container.upper) == {"etc/motd": "container"}
    assert read(lowers[0]) == {"etc/motd": "image"}


@pytest.mark.parametrize("count", [1, 2, 128, 500])
def test_layers_stack_in_order(container, layers, count):
    """However many layers there are, a file is the highest layer's that has it, and each layer is seen."""
    lowers = layers(*({"who": str(number), f"only/{number}": "x"} for number in range(count)))
    overlay.mount(container, lowers)
    assert read(container.merged) == {
        "who": str(count - 1),
        **{f"only/{number}": "x" for number in range(count)},
    }


def test_an_image_without_layers_is_an_empty_root(container):
    """An image of no layers gives an empty root directory that everybody may enter."""
    overlay.mount(container, [])
    assert os.listdir(container.merged) == []
    assert stat.S_IMODE(os.stat(container.merged).st_mode) == 0o755


def test_whiteouts_and_opaque_directories_hide(container, layers):
    """What a layer deletes or replaces, as layers are kept on disk, is not seen."""
    lowers = layers({"gone": "1", "kept": "1", "replaced/old": "1"}, {"replaced/new": "2"})
    whiteout(os.path.join(lowers[1], "gone"))
    os.setxattr(os.path.join(lowers[1], "replaced"), "trusted.overlay.opaque", b"y")
    overlay.mount(container, lowers)
    assert read(container.merged) == {"kept": "1", "replaced/new": "2"}


def test_mounting_again_does_nothing(container, layers, mounted):
    """A root file system that is mounted is left alone."""
    lowers = layers({"a": "1"})
    overlay.mount(container, lowers)
    overlay.mount(container, lowers)
    assert mounted() == [container.merged]


def test_what_was_written_survives(container, layers):
    """After unmounting and mounting again, the container's files and the mode it gave its root are there."""
    lowers = layers({"a": "1"})
    overlay.mount(container, lowers)
    Path(container.merged, "b").write_text("2")
    os.unlink(os.path.join(container.merged, "a"))
    os.chmod(container.merged, 0o711)
    overlay.unmount(container)
    overlay.mount(container, lowers)
    assert read(container.merged) == {"b": "2"}
    assert stat.S_IMODE(os.stat(container.merged).st_mode) == 0o711


def test_the_root_directory_is_the_images(container, layers):
    """Owner, mode, time and attributes of ``/`` are the highest layer's, but for overlayfs's own notes."""
    lowers = layers({"a": "1"}, {"b": "2"})
    top = lowers[1]
    os.chown(top, 1000, 2000)
    os.chmod(top, 0o1750)
    os.setxattr(top, "user.colour", b"blue")
    os.setxattr(top, "trusted.overlay.opaque", b"y")
    os.utime(top, ns=(1_000, 2_000))
    overlay.mount(container, lowers)
    seen = os.stat(container.merged)
    assert (seen.st_uid, seen.st_gid, stat.S_IMODE(seen.st_mode), seen.st_mtime_ns) == (
        1000,
        2000,
        0o1750,
        2_000,
    )
    assert os.getxattr(container.merged, "user.colour") == b"blue"
    assert "trusted.overlay.opaque" not in os.listxattr(container.upper)


def test_odd_paths_need_no_care(place, layers):
    """Characters that overlayfs reads as separators are fine in the paths of engine and layers."""
    lowers = layers({"a": "1"}, {"b": "2"})
    odd = place / r"a:b,c\d e"
    os.rename(place / "layers", odd)
    lowers = [lower.replace(str(place / "layers"), str(odd)) for lower in lowers]
    container = Layout(root=str(odd / "root")).container("c" * 64)
    overlay.mount(container, lowers)
    assert read(container.merged) == {"a": "1", "b": "2"}
    assert overlay.is_mounted(container)
    overlay.unmount(container)
    assert not overlay.is_mounted(container)


def test_a_root_behind_a_symlink(place, layers, mounted):
    """An engine whose root is a symlink to another disk sees its own mounts."""
    (place / "disk").mkdir()
    (place / "link").symlink_to(place / "disk")
    container = Layout(root=str(place / "link/root")).container("c" * 64)
    overlay.mount(container, layers({"a": "1"}))
    overlay.mount(container, layers())
    assert mounted() == [str(place / "disk/root/containers" / ("c" * 64) / "merged")]
    overlay.unmount(container)
    assert mounted() == []


def test_the_working_directory_stays(container, layers):
    """Mounting leaves the process where it was, when it fails too."""
    before = os.getcwd()
    overlay.mount(container, layers({"a": "1"}))
    assert os.getcwd() == before
    overlay.unmount(container)
    with pytest.raises(NotFound):
        overlay.mount(container, ["/nowhere"])
    assert os.getcwd() == before


def test_unmounting_what_is_gone_is_fine(container, layers):
    """Unmounting twice, or before anything was made, or after all was deleted, is no error."""
    overlay.unmount(container)
    overlay.mount(container, layers({"a": "1"}))
    overlay.unmount(container)
    overlay.unmount(container)
    removal.remove_tree(container.static)
    overlay.unmount(container)


@pytest.mark.parametrize("stop", ["symlink", "chown", "chmod", "utime", "rename", "mount"])
def test_a_kill_between_two_steps_is_mended(container, layers, mounted, stop):
    """Killed before any of its steps, the next mount finishes the work as if it were the first."""
    lowers = layers({"a": "1"}, {"b": "2"})
    os.chown(lowers[1], 1000, 2000)
    os.chmod(lowers[1], 0o711)
    child = os.fork()
    if not child:
        target = overlay.libc if stop == "mount" else os
        setattr(target, stop, lambda *_arguments, **_keywords: os.kill(os.getpid(), 9))
        overlay.mount(container, lowers)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 9
    assert mounted() == []
    overlay.mount(container, lowers)
    seen = os.stat(container.merged)
    assert read(container.merged) == {"a": "1", "b": "2"}
    assert (seen.st_uid, seen.st_gid, stat.S_IMODE(seen.st_mode)) == (1000, 2000, 0o711)
    assert sorted(os.listdir(container.static)) == ["lower", "merged", "upper", "work"]


def test_stale_links_are_corrected(container, layers):
    """Links left by an earlier mount of other layers don't count."""
    first, second, third = layers({"a": "1"}, {"b": "2"}, {"c": "3"})
    overlay.mount(container, [first, second, third])
    overlay.unmount(container)
    overlay.mount(container, [third, first])
    assert read(container.merged) == {"a": "1", "c": "3"}


def test_a_missing_layer_is_named(container, layers, mounted):
    """A layer that is not on disk is told by its path, with what to do."""
    lowers = [*layers({"a": "1"}), "/nowhere/diff"]
    with pytest.raises(NotFound) as caught:
        overlay.mount(container, lowers)
    assert caught.value.fields["name"] == "/nowhere/diff"
    assert mounted() == []


def test_a_file_system_that_does_not_fit_is_named(place, container, layers):
    """On a file system that can't hold an upper layer, the error names it and one that can."""
    lowers = layers({"a": "1"})
    overlay.mount(container, lowers)
    inner = replace(container, static=os.path.join(container.merged, "inner"))
    with pytest.raises(HostLacks) as caught:
        overlay.mount(inner, lowers)
    assert caught.value.fields["fstype"] == "overlay"
    assert "ext4" in caught.value.remedy


def test_a_full_disk_is_said(container, layers):
    """Without room for the container's directories the error is StoreFull; with room again it goes on."""
    lowers = layers({"a": "1"})
    os.makedirs(container.static)
    libc.mount("tmpfs", container.static, "tmpfs", 0, "nr_inodes=3")
    with pytest.raises(StoreFull):
        overlay.mount(container, lowers)
    libc.mount("tmpfs", container.static, "tmpfs", libc.MS_REMOUNT, "nr_inodes=100")
    overlay.mount(container, lowers)
    assert read(container.merged) == {"a": "1"}
