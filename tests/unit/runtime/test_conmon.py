# SPDX-License-Identifier: GPL-3.0-or-later
"""What conmon says on its sync pipe."""

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
    """The exit code of a short command, which may come along at once, is not taken for its process."""
    assert first_word(said) == meant
