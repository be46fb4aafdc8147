# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages on conmon's sync pipe."""

from __future__ import annotations

import pytest

from _engine.runtime.conmon import first_word


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (b'{"data": 4711}\n', {"data": 4711}),
        (b'{"data": 4711}\n{"data": 0}\n', {"data": 4711}),
        (b'{"data": -1, "message": "no such file"}\n', {"data": -1, "message": "no such file"}),
        (b"", {}),
        (None, {}),
        (b"Error\n", {}),
    ],
)
def test_the_first_line_is_of_the_process(said, meant):
    """A short command's exit code, which may arrive together, is not mistaken for its PID."""
    assert first_word(said) == meant
