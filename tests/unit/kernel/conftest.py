# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the kernel package's tests."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack

import pytest


@pytest.fixture
def python(tree):
    """Return a function that starts a Python with the engine on its path; kill what still runs at the end."""
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
