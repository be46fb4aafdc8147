# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.model.values.modes import parse_mode


@pytest.mark.parametrize(
    ("value", "mode"),
    [
        ("0644", 0o644),
        ("644", 0o644),
        ("0o755", 0o755),
        (0o600, 0o600),
        ("4755", 0o4755),
        ("0", 0),
        (None, None),
    ],
)
def test_modes(value, mode):
    """An octal string, and the number to which YAML converts it."""
    assert parse_mode("mode", value) == mode


def test_preserve():
    """The word preserve is valid only where it is allowed."""
    assert parse_mode("mode", "preserve", preserve=True) is None
    with pytest.raises(InvalidOption):
        parse_mode("mode", "preserve")


@pytest.mark.parametrize("value", ["u=rw", "0888", "", "77777", -1, True, 0o10000, "0x1ff"])
def test_what_is_no_mode(value):
    """Anything else is refused, naming the option."""
    with pytest.raises(InvalidOption, match="mode: "):
        parse_mode("mode", value)
