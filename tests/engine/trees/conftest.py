# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees on a real file system, with owners of all kinds."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def as_root(need):
    """Only root gives files away."""
    need(os.geteuid() == 0, "root")
