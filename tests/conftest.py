# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test may use, and the times of all parts of `make test`."""

from __future__ import annotations

import os
import signal
import sys
from collections import defaultdict
from pathlib import Path

import pytest

TREE = Path(__file__).parent.parent


def pytest_configure() -> None:
    """Let tests find the programs beside this Python, and the collection, however pytest was started."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    os.environ.setdefault("ANSIBLE_COLLECTIONS_PATH", str(TREE / ".build/collections"))
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    signal.signal(
        signal.SIGHUP, signal.SIG_DFL
    )  # `nohup make test` has it ignored, and with it all that a test starts


@pytest.fixture(scope="session")
def need():
    """Return the function that states a need: one that is missing skips at home, and fails in CI."""

    def need(condition: object, reason: str) -> None:
        if condition:
            return
        if os.environ.get("CI"):
            pytest.fail(f"CI lacks what this test needs: {reason}", pytrace=False)
        pytest.skip(reason)

    return need


@pytest.fixture(scope="session")
def tree() -> Path:
    """Return the top of the source tree."""
    return TREE


def pytest_terminal_summary(terminalreporter) -> None:
    """Tell how long each part took: those that `make test` ran before pytest, then each kind of test."""
    seconds: dict[str, float] = defaultdict(float)
    if before := os.environ.get("SECONDS_BY_PART"):
        notes = sorted(Path(before).iterdir(), key=os.path.getmtime)
        seconds.update({note.name: float(note.read_text()) for note in notes})
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid.split("/")[1]] += report.duration
    terminalreporter.section("seconds by part")
    for part, taken in seconds.items():
        terminalreporter.write_line(f"{part:<12} {taken:7.1f}")
