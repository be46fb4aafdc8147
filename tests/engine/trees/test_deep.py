# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of a deep tree grows linearly with its depth, which a container can choose."""

from __future__ import annotations

import os
import resource

from _engine.kernel.removal import remove_tree
from _engine.trees.place import Place
from _engine.trees.sync_source import read_tree
from _engine.trees.sync_target import sync

DEPTH = 1500


def test_a_deep_tree_is_copied_step_by_step(tmp_path, monkeypatch):
    """Few descriptors are open at a time, and no directory is opened again for each one below it."""
    (tmp_path / "from").mkdir()
    (tmp_path / "to").mkdir()
    fd = os.open(tmp_path / "from", os.O_RDONLY)
    for _level in range(DEPTH):
        os.mkdir("d", dir_fd=fd)
        below = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=fd))
    os.close(fd)
    calls = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda *words, **more: calls.append(1) or real(*words, **more))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    root = real(tmp_path, os.O_RDONLY)
    try:
        tree = read_tree(Place(root, "from"))
        assert len(sync(tree, Place(root, "to")).changes) == DEPTH + 1
        assert sync(tree, Place(root, "to")).changes == []
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        os.close(root)
    assert len(calls) < 200 * DEPTH
    for name in ("from", "to"):
        remove_tree(str(tmp_path / name))
