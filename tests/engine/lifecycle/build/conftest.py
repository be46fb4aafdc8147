# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers that have changed all that can be changed, and the images that they become."""

from __future__ import annotations

import pytest
from commits import FILES, Commits, empty

from dockerarchive import layer


@pytest.fixture
def commits(host):
    """Return what commits; all images but that of the host go with the test."""
    yield Commits(host)
    empty(host)


@pytest.fixture
def image(commits, busybox):
    """Return an image with files to be changed."""
    return commits.host.build("localhost/files:1", busybox, layer(FILES), Labels={"of": "image"}, User="0")
