# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers with every kind of change, and the images committed from them."""

from __future__ import annotations

import pytest
from commits import FILES, Commits, empty

from dockerarchive import layer


@pytest.fixture
def commits(host):
    """Return a committer; all images but the host's are removed with the test."""
    yield Commits(host)
    empty(host)


@pytest.fixture
def image(commits, busybox):
    """Return an image with files to change."""
    return commits.host.build("localhost/files:1", busybox, layer(FILES), Labels={"of": "image"}, User="0")
