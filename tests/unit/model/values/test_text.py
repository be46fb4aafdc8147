# SPDX-License-Identifier: GPL-3.0-or-later
"""Text and paths that a user wrote."""

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
    """Text stays as it is, and a number is its digits."""
    assert text.plain_text("user", value) == expected


@pytest.mark.parametrize("value", [None, [], {}, ("a",), "a\0b", "\0", "\udc80", "a\ud800", "\udfffb"])
def test_what_is_no_text(refused, value):
    """Nothing, collections, NUL and half characters are no text."""
    refused(text.plain_text, "user", value)


PATHS = {"/": "/", "//": "/", "/a/": "/a", "//a": "/a", "///a//b/./c": "/a/b/c", "/\u00fc": "/\u00fc"}


@pytest.mark.parametrize(("value", "expected"), PATHS.items())
def test_one_path_has_one_form(value, expected):
    """Slashes and dots too many mean nothing."""
    assert text.absolute_path("workdir", value) == expected


@pytest.mark.parametrize("value", ["", "a", "./a", " /a", "~", "/a\0", None])
def test_what_is_no_absolute_path(refused, value):
    """A path has to begin at the root."""
    refused(text.absolute_path, "workdir", value)
