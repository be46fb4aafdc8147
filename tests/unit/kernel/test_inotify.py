# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for changes of files."""

from __future__ import annotations

import os
import threading
import time

import pytest

from _engine.errors import HostLacks
from _engine.kernel import inotify, libc
from _engine.kernel.inotify import Watch

CHANGES = {
    "made": lambda place: (place / "new").write_text("x"),
    "written": lambda place: (place / "old").write_text("y"),
    "removed": lambda place: (place / "old").unlink(),
    "renamed": lambda place: (place / "old").rename(place / "other"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_wakes(tmp_path, change):
    """An event after the watch was set wakes once, even if it precedes the wait."""
    (tmp_path / "old").write_text("x")
    with Watch() as watch:
        watch.add(str(tmp_path))
        assert not watch.wait(0)
        CHANGES[change](tmp_path)
        assert watch.wait(60)
        assert not watch.wait(0)


def test_a_change_while_waiting_wakes_at_once(tmp_path):
    """An event ends the wait before its deadline."""
    with Watch() as watch:
        watch.add(str(tmp_path))
        timer = threading.Timer(0.1, (tmp_path / "new").touch)
        timer.start()
        begin = time.monotonic()
        assert watch.wait(60)
        assert time.monotonic() - begin < 30
        timer.join()


def test_another_descriptor_wakes(tmp_path):
    """Another readable descriptor ends the wait, too, and stays readable."""
    reader, writer = os.pipe()
    with Watch() as watch:
        watch.add(str(tmp_path))
        assert not watch.wait(0.01, reader)
        os.write(writer, b"x")
        assert watch.wait(60, reader)
        assert watch.wait(60, reader)
    os.close(reader)
    os.close(writer)


def test_a_directory_that_is_missing_is_told(tmp_path):
    """The error names the directory, and no descriptor stays open."""
    before = os.listdir("/proc/self/fd")
    with pytest.raises(FileNotFoundError) as caught, Watch() as watch:
        watch.add(str(tmp_path / "none"))
    assert caught.value.filename == str(tmp_path / "none")
    assert os.listdir("/proc/self/fd") == before


def test_too_many_watchers_are_told_with_the_remedy(monkeypatch):
    """The error at the limit of inotify instances names the parameter to raise."""

    def fail():
        raise OSError(24, "Too many open files (inotify_init1)")

    monkeypatch.setattr(libc, "inotify_init1", fail)
    with pytest.raises(HostLacks, match=r"fs\.inotify\.max_user_instances"):
        inotify.Watch()
