# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine that the tests of a file share, and tasks on it."""

from __future__ import annotations

import json

import pytest
from bothways import Ways

from enginehost import eventually


@pytest.fixture(scope="module")
def lent(loaded):
    """Return a host with both images for all tests of a file, and check that their containers and volumes leave nothing."""
    before = set(loaded.leftovers())
    yield loaded
    loaded.clear()
    eventually(lambda: set(loaded.leftovers()) == before, "all as before", timeout=15.0)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return the directory of the host that options of the file's tests name."""
    return tmp_path_factory.mktemp("place")


@pytest.fixture
def ways(lent, place):
    """Return the function that makes a task; ``/srv`` in a value is the place, which has files and directories to name."""
    for name in ("one", "two"):
        (place / f"{name}.env").write_text(f"MODE={name}\n")
    for name in ("bound", "hooks"):
        (place / name).mkdir(exist_ok=True)

    def ways(engine="this", **options):
        return Ways(lent.where, json.loads(json.dumps(options).replace("/srv", str(place))), engine)

    return ways
