# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the kernel package's tests on a real kernel."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from _engine.kernel import mountinfo, mounts


@pytest.fixture(autouse=True)
def _root(need):
    """Run only as root."""
    need(os.geteuid() == 0, "root")


@pytest.fixture
def place(tmp_path):
    """Return a directory to mount in; the test itself must unmount."""
    place = tmp_path.resolve()
    yield place
    left = [entry.target for entry in mountinfo.below(str(place))]
    mounts.unmount_below(str(place))
    assert left == [], "the test left mounts"


@pytest.fixture
def clears(place):
    """Unmount at the end what the test leaves mounted on purpose."""
    yield place
    mounts.unmount_below(str(place))


@pytest.fixture
def python(tree):
    """Return a function that runs code in a Python with the engine on its path, through ``wrapper``."""

    def run(code: str, *arguments: object, wrapper: tuple[str, ...] = ()) -> str:
        done = subprocess.run(
            [*wrapper, sys.executable, "-c", code, *map(str, arguments)],
            env={"PYTHONPATH": str(tree / "plugins/module_utils"), "PATH": os.environ["PATH"]},
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout.strip()

    return run
