# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of the connection plugin to the agent."""

from __future__ import annotations

import pytest

from _engine.model.connect import frames
from _engine.model.connect.request import MalformedRequest, check, check_mark

EXEC = {"verb": "exec", "name": "box", "user": None, "argv": ["/bin/sh", "-c", "id"], "env": {"A": "1"}}
PUT = {
    "verb": "put",
    "name": "box",
    "path": "/a",
    "mode": 0o644,
    "size": 3,
    "segments": [[0, 3]],
    "file": None,
}
FETCH = {"verb": "fetch", "name": "box", "path": "/a", "offset": 0, "most": 10, "file": [1, 2]}
TALK = {"prompts": ["[Pp]assword:"], "password": "x", "success": "BECOME-SUCCESS"}


@pytest.mark.parametrize(
    "request_",
    [EXEC, PUT, FETCH, {**EXEC, "become": TALK}, {**EXEC, "argv": ["\udcff"]}, {**EXEC, "more": object}],
)
def test_what_the_plugin_sends_passes(request_):
    """A complete request passes, even with names that are not UTF-8 and keys of a newer plugin."""
    assert check(request_) is None


@pytest.mark.parametrize(
    ("request_", "key"),
    [
        ({}, "verb"),
        ({**EXEC, "verb": ["exec"]}, "verb"),
        ({**EXEC, "name": None}, "name"),
        ({**EXEC, "name": "a\0b"}, "name"),
        ({**EXEC, "name": "\ud800"}, "name"),
        ({**EXEC, "name": "box\udcff"}, "name"),
        ({**EXEC, "user": 0}, "user"),
        ({**EXEC, "run_root": {}}, "run_root"),
        ({**EXEC, "argv": "id"}, "argv"),
        ({**EXEC, "argv": []}, "argv"),
        ({**EXEC, "argv": [None]}, "argv"),
        ({**EXEC, "env": ["A=1"]}, "env"),
        ({**EXEC, "env": {"A=B": "1"}}, "env"),
        ({**EXEC, "env": {"A": 1}}, "env"),
        ({**EXEC, "become": {**TALK, "prompts": ["("]}}, "become"),
        ({**EXEC, "become": {**TALK, "success": ""}}, "become"),
        ({**EXEC, "become": {**TALK, "password": "\udcff"}}, "become"),
        ({**PUT, "mode": True}, "mode"),
        ({**PUT, "mode": 0o10000}, "mode"),
        ({**PUT, "size": -1}, "size"),
        ({**PUT, "segments": [[0, 2**63]]}, "segments"),
        ({**PUT, "segments": [[2**62, 2**62]]}, "segments"),
        ({**PUT, "file": [1]}, "file"),
        ({**FETCH, "offset": 1.5}, "offset"),
        ({**FETCH, "most": None}, "most"),
    ],
)
def test_anything_else_is_malformed(request_, key):
    """The error names the first invalid key."""
    with pytest.raises(MalformedRequest) as caught:
        check(request_)
    assert caught.value.fields["key"] == key


@pytest.mark.parametrize("mark", [None, "", 7, "two\nlines", "\x1b[2J", "ä"])
def test_a_mark_is_a_line_of_plain_text(mark):
    """A mark is required, to distinguish the agent's messages from the command's output."""
    with pytest.raises(ValueError, match="no mark"):
        check_mark({"mark": mark})


def test_nesting_is_bounded():
    """A header that is nested too deeply for Python is invalid."""
    with pytest.raises(ValueError, match="nested too deeply"):
        frames.header(b'{"a":' + b"[" * 200_000, 5 + 200_000)
