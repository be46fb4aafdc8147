# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the kernel package share."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack

import pytest


@pytest.fixture
def python(tree):
    """Return the function that starts another Python which knows the engine; what still runs at the end is killed."""
    with ExitStack() as running:

        def start(code: str, *arguments: object) -> subprocess.Popen:
            process = subprocess.Popen(
                [sys.executable, "-c", code, *map(str, arguments)],
                env={"PYTHONPATH": str(tree / "plugins/module_utils"), "PATH": "/usr/bin:/bin"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            running.enter_context(process)
            running.callback(process.kill)
            return process

        yield start
