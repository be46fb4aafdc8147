# SPDX-License-Identifier: GPL-3.0-or-later
"""The line that a terminal shows of a long operation."""

from __future__ import annotations

import os
import pty
import sys

import pytest

from _engine import progress
from _engine.agent.cli.meter import drawn, metered
from _engine.progress import State

MB = 10**6


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (State("pulling a", 0, 90 * MB), f"pulling a [{' ' * 30}] 0 of 90 MB"),
        (State("pulling a", 30 * MB, 90 * MB), f"pulling a [{'#' * 10}{' ' * 20}] 30 of 90 MB"),
        (State("pulling a", 95 * MB, 90 * MB), f"pulling a [{'#' * 30}] 95 of 90 MB"),
        (State("copying up /a", 7 * MB), "copying up /a 7 MB"),
    ],
)
def test_drawn(state, text):
    """The bar is as full as the operation is done, and never longer than its frame."""
    assert drawn(state) == text


@pytest.mark.parametrize("quiet", [False, True])
def test_on_a_terminal(monkeypatch, quiet):
    """A terminal is shown the bar, which goes at the end; nothing is written where that is asked for."""
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as terminal, open(ours, "rb", buffering=0) as seen:
        monkeypatch.setattr(sys, "stderr", terminal)
        with metered(quiet=quiet), progress.operation("loading a", total=4 * MB) as loading:
            loading.advance(MB)
        os.set_blocking(ours, False)
        text = seen.read() or b""
    assert (b"1 of 4 MB" in text) is not quiet
    assert text.endswith(b"\x1b[K") is not quiet


def test_into_a_file(monkeypatch, tmp_path):
    """What is no terminal gets no bar."""
    with (tmp_path / "out").open("w") as file:
        monkeypatch.setattr(sys, "stderr", file)
        with metered(), progress.operation("loading a", total=4 * MB) as loading:
            loading.advance(MB)
    assert (tmp_path / "out").read_text() == ""
