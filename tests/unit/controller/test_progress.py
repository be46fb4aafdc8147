# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines about long operations: their words, how often they come, and where none may come."""

from __future__ import annotations

import types

import pytest
from ansible import constants
from ansible_collections.slipway.oci.plugins.module_utils._engine.progress import State
from ansible_collections.slipway.oci.plugins.plugin_utils import progress

MB = 10**6


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (
            State("pulling a:1", 120 * MB, 340 * MB, 3, 7, seconds=6.0),
            "pulling a:1: 3 of 7 layers, 120 of 340 MB, 11 s left",
        ),
        (State("sending a:1", 25 * MB, 100 * MB, seconds=10.0), "sending a:1: 25 of 100 MB, 30 s left"),
        (State("loading a.tar", 0, 100 * MB, 0, 2, seconds=3.0), "loading a.tar: 0 of 2 layers, 0 of 100 MB"),
        (
            State("loading a.tar", 100 * MB, 100 * MB, 1, 2, seconds=3.0),
            "loading a.tar: 1 of 2 layers, 100 of 100 MB",
        ),
        (State("copying up /data", 7 * MB, seconds=3.0), "copying up /data: 7 MB"),
    ],
)
def test_line(state, text):
    """A line says what is done, of how much, and how long it takes yet where that can be known."""
    assert progress.line(state) == text


class Display:
    """Keeps what is printed."""

    def __init__(self):
        self.lines = []

    def display(self, text):
        """Keep a line."""
        self.lines.append(text)


def test_lines_come_now_and_then(monkeypatch):
    """The first line comes after two seconds, the next one five seconds later."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    display = Display()
    shown = progress.Progress(display, "web1")
    for second, state in (
        (101.9, State("pulling a", 10 * MB, 100 * MB)),
        (103.9, State("pulling a", 20 * MB, 100 * MB, seconds=2.0)),
        (108.8, State("pulling a", 90 * MB, 100 * MB)),
        (108.9, State("copying up /x", 1 * MB)),
        (109.0, State("copying up /x", 2 * MB)),
    ):
        now[0] = second
        shown.show(state)
    assert display.lines == [
        "[web1] pulling a: 20 of 100 MB, 8 s left",
        "[web1] copying up /x: 1 MB",
    ]


@pytest.mark.parametrize(
    ("callback", "no_log", "wanted"),
    [
        ("default", False, True),
        ("awx_display", False, True),
        ("default", True, False),
        ("ansible.posix.json", False, False),
        ("ansible.posix.jsonl", False, False),
        ("community.general.null", False, False),
    ],
)
def test_where_lines_are_wanted(monkeypatch, callback, no_log, wanted):
    """No line comes where a program reads the output, nor of a task whose options are secret."""
    monkeypatch.setattr(constants, "DEFAULT_STDOUT_CALLBACK", callback)
    assert progress.is_wanted(types.SimpleNamespace(no_log=no_log)) is wanted
