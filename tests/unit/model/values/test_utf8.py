# SPDX-License-Identifier: GPL-3.0-or-later
"""Output is valid UTF-8."""

from __future__ import annotations

import json

import pytest

from _engine.model.values import utf8

NAME = b"a\xff\xfeb".decode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("plain \u00e4 \U0001f600 \0", "plain \u00e4 \U0001f600 \0"),
        (NAME, "a\ufffd\ufffdb"),
        ("\ud800", "\ufffd"),
        (b"\xff", "\ufffd"),
        (
            {NAME: [{"x": (NAME, 1, None, True, 1.5)}]},
            {"a\ufffd\ufffdb": [{"x": ["a\ufffd\ufffdb", 1, None, True, 1.5]}]},
        ),
        ({"x": frozenset({"\udcff"})}, {"x": ["\ufffd"]}),
    ],
)
def test_whole(value, told):
    """All strings in a result become valid UTF-8; everything else is unchanged."""
    found = utf8.whole(value)
    assert found == told
    json.dumps(found, ensure_ascii=False).encode()
