# SPDX-License-Identifier: GPL-3.0-or-later
"""A small image for the registry tests."""

from __future__ import annotations

import shutil

import pytest

import registries
from dockerarchive import layer, write_archive


@pytest.fixture
def image(need, tmp_path):
    """Return an image that skopeo can copy, of two layers."""
    need(registries.is_there(), "docker-registry, unpacked by tests/setup.yml")
    for program in ("skopeo", "curl", "openssl"):
        need(shutil.which(program), program)
    layers = [layer({"one": b"1" * 5000}), layer({"two": b"2" * 5000})]
    return f"docker-archive:{write_archive(tmp_path / 'image.tar', 'localhost/image:1', layers)}"
