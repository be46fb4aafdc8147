# SPDX-License-Identifier: GPL-3.0-or-later
"""Strings and paths from users."""

from __future__ import annotations

import pytest

from _engine.model.values import text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ""),
        ("a b\n", "a b\n"),
        ("\u65e5\U0001f433", "\u65e5\U0001f433"),
        (1, "1"),
        (1.5, "1.5"),
        (True, "True"),
    ],
)
def test_text(value, expected):
    """A string is not changed, and a number becomes its digits."""
    assert text.plain_text("user", value) == expected


@pytest.mark.parametrize("value", [None, [], {}, ("a",), "a\0b", "\0", "\udc80", "a\ud800", "\udfffb"])
def test_what_is_no_text(refused, value):
    """None, collections, NUL and half of a surrogate pair are refused."""
    refused(text.plain_text, "user", value)


PATHS = {"/": "/", "//": "/", "/a/": "/a", "//a": "/a", "///a//b/./c": "/a/b/c", "/\u00fc": "/\u00fc"}


@pytest.mark.parametrize(("value", "expected"), PATHS.items())
def test_one_path_has_one_form(value, expected):
    """Redundant slashes and dots are removed."""
    assert text.absolute_path("workdir", value) == expected


@pytest.mark.parametrize("value", ["", "a", "./a", " /a", "~", "/a\0", None])
def test_what_is_no_absolute_path(refused, value):
    """A path must be absolute."""
    refused(text.absolute_path, "workdir", value)
