# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from _engine.errors import HostLacks, NotFound
from _engine.rootfs import overlay


def read(directory):
    """Return the relative names of all files below the directory, with their texts."""
    return {
        str(path.relative_to(directory)): path.read_text()
        for path in Path(directory).rglob("*")
        if path.is_file()
    }


def test_the_working_directory_stays(container, layers):
    """Mounting keeps the process's working directory, also when it fails."""
    before = os.getcwd()
    overlay.mount(container, layers({"a": "1"}))
    assert os.getcwd() == before
    overlay.unmount(container)
    with pytest.raises(NotFound):
        overlay.mount(container, ["/nowhere"])
    assert os.getcwd() == before


@pytest.mark.parametrize("stop", ["symlink", "chown", "chmod", "utime", "rename", "mount"])
def test_a_kill_between_two_steps_is_mended(container, layers, mounted, stop):
    """After a kill before any step, the next mount completes the work."""
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
    """Symlinks of an earlier mount with other layers are corrected."""
    first, second, third = layers({"a": "1"}, {"b": "2"}, {"c": "3"})
    overlay.mount(container, [first, second, third])
    overlay.unmount(container)
    overlay.mount(container, [third, first])
    assert read(container.merged) == {"a": "1", "c": "3"}


def test_a_file_system_that_does_not_fit_is_named(place, container, layers):
    """The error names an unsuitable file system of the upper layer, and a suitable one."""
    lowers = layers({"a": "1"})
    overlay.mount(container, lowers)
    inner = container.elsewhere(os.path.join(container.merged, "inner"))
    with pytest.raises(HostLacks) as caught:
        overlay.mount(inner, lowers)
    assert caught.value.fields["fstype"] == "overlay"
    assert "ext4" in caught.value.remedy
