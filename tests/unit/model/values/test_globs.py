# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.model.values.globs import matcher

CASES = [
    ("*.tmp", "a.tmp b/c.tmp .tmp", "a.tmpx a/tmp"),
    ("cache", "cache a/cache cache/x a/cache/b/c", "caches mycache"),
    ("/cache", "cache cache/x", "a/cache"),
    ("a/*.log", "a/x.log", "x.log b/a/x.log a/b/x.log"),
    ("a/**/x", "a/x a/b/x a/b/c/x", "x b/x"),
    ("**/x", "x a/x a/b/x/y", "ax"),
    ("cache/", "cache/x cache", "cached"),
    ("?", "a b/c", "ab"),
    ("[ab]", "a b/b", "c ab"),
    ("[!ab]", "c", "a b"),
    ("a.b", "a.b", "axb"),
    ("[", "[", "a"),
]


@pytest.mark.parametrize(("pattern", "fits", "not_so"), CASES, ids=[case[0] for case in CASES])
def test_patterns(pattern, fits, not_so):
    """A pattern matches names as in rsync, and everything below them."""
    excluded = matcher("exclude", [pattern])
    assert [path for path in fits.split() if not excluded(path)] == []
    assert [path for path in not_so.split() if excluded(path)] == []


@pytest.mark.parametrize("pattern", ["", "/", "[z-a]"])
def test_no_pattern(pattern):
    """An invalid pattern is refused, naming the option."""
    with pytest.raises(InvalidOption, match="exclude"):
        matcher("exclude", [pattern])
