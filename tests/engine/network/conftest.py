# SPDX-License-Identifier: GPL-3.0-or-later
"""A host, a client outside and containers, each in a network namespace."""

from __future__ import annotations

import os

import pytest

from netlab import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory, need):
    """Return a host and a client outside for all tests of a file."""
    need(os.geteuid() == 0, "root")
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.close()
