# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers and a container's directories on disk, unmounted after each test."""

from __future__ import annotations

import os
import shutil

import pytest

from _engine.kernel import mountinfo, mounts
from _engine.model.engine.layout import Layout


@pytest.fixture
def place(need, tmp_path):
    """Return an empty directory; everything below it is unmounted afterwards."""
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
    """Return a function that creates layers from mappings of names to texts, lowest first."""

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
    """Return a function that lists the targets of all mounts below ``place``."""
    return lambda: [entry.target for entry in mountinfo.below(str(place))]


@pytest.fixture
def fuse_works(need):
    """Return a function that skips the test without fuse-overlayfs."""

    def check():
        need(shutil.which("fuse-overlayfs"), "fuse-overlayfs")
        need(os.path.exists("/dev/fuse"), "/dev/fuse")

    return check
