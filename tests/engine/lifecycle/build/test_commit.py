# SPDX-License-Identifier: GPL-3.0-or-later
"""A container becomes an image that has what it had, with each storage driver, and nothing that nobody put there."""

from __future__ import annotations

import os

import pytest
from commits import alter, settle
from fulltree import assert_same

DRIVERS = ["overlay", "fuse-overlayfs", "vfs"]
FOREVER = ("sleep", "1000")


@pytest.fixture(params=DRIVERS)
def driver(request, commits, need) -> str:
    """Have containers with each storage driver."""
    import shutil

    need(request.param != "fuse-overlayfs" or shutil.which("fuse-overlayfs"), "fuse-overlayfs")
    commits.host.storage_driver = request.param
    return request.param


#: What the engine and the runtime make to mount on, and the directory that is touched by nothing else.
PLACES = {b"etc/hosts", b"etc/hostname", b"etc/resolv.conf", b"run/.containerenv", b"data", b"data/deep"}
ABOVE = {b"run"}


def assert_kept(found, seen) -> None:
    """Fail unless an image has all that a container saw but the places of mounts, and nothing more."""
    assert {path: found[path] for path in found.keys() & PLACES} == {}
    for tree in (found, seen):
        for path in ABOVE & tree.keys():
            tree[path] = {**tree[path], "mtime": None}
    wanted = {path: entry for path, entry in seen.items() if path not in PLACES}
    assert found.keys() ^ wanted.keys() == set()
    assert [(path, entry, wanted[path]) for path, entry in found.items() if entry != wanted[path]] == []


def test_the_image_is_what_the_container_saw(host, commits, image, driver):
    """Owners, modes, times, links, devices, attributes, holes, and what was removed: the same tree comes out."""
    host.start(*FOREVER, image=image, volume=["data:/data/deep"], stop_timeout=0)
    alter(commits.root())
    settle(commits.root())
    done = commits.commit()
    assert done.actions == ("committed image localhost/out:1",)
    assert host.inspect()["State"]["Status"] == "running"
    assert_kept(commits.tree(), commits.seen())
    assert os.listdir(host.layout.staging) == []


def test_squashed(host, commits, image, driver):
    """An image of one layer has the same tree."""
    host.start(*FOREVER, image=image, volume=["data:/data/deep"], stop_timeout=0)
    alter(commits.root())
    settle(commits.root())
    shape = commits.commit(squash=True).result["image"]
    assert (len(shape["RootFS"]["Layers"]), len(shape["History"])) == (1, 1)
    assert_kept(commits.tree(), commits.seen())
