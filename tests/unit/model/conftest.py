# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that every refusal has to pass."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption


@pytest.fixture
def refused():
    """Return a function that calls a parser and checks its error: class, option, value, remedy."""

    def refused(parse, option, value, *, names=None, error=InvalidOption):
        """Fail unless the parser raises the error with all its parts."""
        with pytest.raises(error) as caught:
            parse(option, value)
        assert caught.type is error
        assert caught.value.fields["option"] == (names or option)
        assert caught.value.remedy
        assert str(caught.value).startswith(f"{names or option}: ")
        return caught.value

    return refused
