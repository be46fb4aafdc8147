# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers and a container's directories on the disk, unmounted again whatever a test leaves."""

from __future__ import annotations

import os
import shutil

import pytest

from _engine.kernel import mountinfo, mounts
from _engine.model.engine.layout import Layout


@pytest.fixture
def place(need, tmp_path):
    """Return an empty directory; nothing stays mounted below it."""
    need(os.geteuid() == 0, "root, to mount")
    directory = tmp_path / "place"
    directory.mkdir()
    yield directory
    mounts.unmount_below(str(directory))


@pytest.fixture
def container(place):
    """Return a container's paths; its mounts, and nothing else, are below ``place``."""
    return Layout(root=str(place / "root"), run_root=str(place / "run")).container("c" * 64)


@pytest.fixture
def layers(place):
    """Give a maker of layers: one directory for each mapping of names to texts, lowest first."""

    def make(*contents):
        made = []
        for number, content in enumerate(contents):
            directory = place / "layers" / f"{number:064}" / "diff"
            directory.mkdir(parents=True)
            directory.chmod(0o755)
            for name, text in content.items():
                (directory / name).parent.mkdir(parents=True, exist_ok=True)
                (directory / name).write_text(text)
            made.append(str(directory))
        return made

    return make


@pytest.fixture
def mounted(place):
    """Give a function that lists the targets of all mounts below ``place``."""
    return lambda: [entry.target for entry in mountinfo.below(str(place))]


@pytest.fixture
def fuse_works(need):
    """Return what a test of fuse-overlayfs calls first."""

    def check():
        need(shutil.which("fuse-overlayfs"), "fuse-overlayfs")
        need(os.path.exists("/dev/fuse"), "/dev/fuse")

    return check
