# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees on a real file system, with different owners."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def as_root(need):
    """Skip the tests unless they run as root, because only root can change owners."""
    need(os.geteuid() == 0, "root")
