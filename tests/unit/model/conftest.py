# SPDX-License-Identifier: GPL-3.0-or-later
"""What every refusal has to tell."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption


@pytest.fixture
def refused():
    """Give the function that calls a parser and holds it to a full error: class, option, value, remedy."""

    def refused(parse, option, value, *, names=None, error=InvalidOption):
        """Fail unless the parser raises the error, with all that belongs to it."""
        with pytest.raises(error) as caught:
            parse(option, value)
        assert caught.type is error
        assert caught.value.fields["option"] == (names or option)
        assert caught.value.remedy
        assert str(caught.value).startswith(f"{names or option}: ")
        return caught.value

    return refused
