# SPDX-License-Identifier: GPL-3.0-or-later
"""Output to a terminal."""

from __future__ import annotations

import io

import pytest

from _engine.agent.cli import output

SHOWN = [
    ("plain, with tab\tand ümläut\n", "plain, with tab\tand ümläut\n"),
    ("\x1b]0;title\x07", "^[]0;title^G"),
    ("\x1b[2J\x9b2J", "^[[2J\\x9b2J"),
    ("ends as on a terminal\r\n", "ends as on a terminal\n"),
    ("over\rwritten\x08\x7f", "over^Mwritten^H^?"),
    ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
    ("bytes \udc9b \udcff", "bytes \\x9b \udcff"),
]


@pytest.mark.parametrize(("text", "shown"), SHOWN)
def test_what_would_command_a_terminal_is_written_out(text, shown):
    """Escapes, control and bidirectional characters are made visible; all else is unchanged."""
    assert output.harmless(text) == shown
    buffer = io.BytesIO()
    screen = output.Screen(buffer, encoding="utf-8", errors="surrogateescape", newline="")
    screen.write(text)
    screen.command("\x1b[H")
    screen.flush()
    assert buffer.getvalue() == (shown + "\x1b[H").encode("utf-8", "surrogateescape")
