# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers that have changed all that can be changed, and the images that they become."""

from __future__ import annotations

import pytest
from commits import FILES, Commits

from _engine.lifecycle.image.remove import remove_image
from _engine.lifecycle.info import info
from dockerarchive import layer


@pytest.fixture
def commits(host):
    """Return what commits; all images but that of the host go with the test."""
    yield Commits(host)
    host.storage_driver = None
    host.clear()
    with host.open() as engine:
        for shape in info.images(engine).result["images"]:
            if host.image not in shape["RepoTags"]:
                remove_image(engine, shape["Id"], force=True)


@pytest.fixture
def image(commits, busybox):
    """Return an image with files to be changed."""
    return commits.host.build("localhost/files:1", busybox, layer(FILES), Labels={"of": "image"}, User="0")
