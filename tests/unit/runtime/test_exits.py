# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest

from _engine.model.engine.layout import Layout
from _engine.runtime import exits


@pytest.fixture
def container(tmp_path):
    """Return a container's paths, with the directories that conmon writes to."""
    layout = Layout(str(tmp_path / "root"), str(tmp_path / "run"))
    paths = layout.container("ab" * 32)
    os.makedirs(layout.exits)
    os.makedirs(paths.persist)
    return paths


def write(path, text):
    """Write a small file."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0", 0),
        ("137", 137),
        ("255\n", 255),
        ("", None),
        ("-1", None),
        ("256", None),
        ("x", None),
        ("1 2", None),
    ],
)
def test_code_or_unknown(container, text, code):
    """An invalid code is unknown, never 0."""
    write(container.exit_file, text)
    os.utime(container.exit_file, ns=(5, 1_700_000_000_123_456_789))
    assert exits.read_exit(container) == exits.Exit(code, 1_700_000_000_123_456_789, False)


def test_no_file_no_exit(container):
    """Without an exit file there is no exit."""
    assert exits.read_exit(container) is None
    assert exits.wait_for_exit(container, 0.01) is None


def test_oom_mark(container):
    """The marker records an OOM kill."""
    write(container.exit_file, "137")
    write(container.oom_file, "")
    assert exits.read_exit(container).oom_killed is True
