# SPDX-License-Identifier: GPL-3.0-or-later
"""OCI hook files: their format, and the containers to which they apply."""

from __future__ import annotations

import json

import pytest

from _engine.errors import InvalidOption
from _engine.model.container.hooks import chosen, parse

FILE = "/etc/hooks.d/one.json"


def hook(when, **changes):
    """Return the text of a hook file."""
    data = {
        "version": "1.0.0",
        "hook": {"path": "/bin/hook"},
        "when": when,
        "stages": ["prestart"],
        **changes,
    }
    return json.dumps({key: value for key, value in data.items() if value is not ...})


WHEN = [
    ({"always": True}, True),
    ({"always": False}, False),
    ({}, False),
    ({"annotations": {"^com\\.example\\.": "^on"}}, True),
    ({"annotations": {"^com\\.example\\.": "^off"}}, False),
    ({"annotations": {"^a$": "x"}}, False),
    ({"annotations": {"^com": "on", "^other": "."}}, False),
    ({"commands": ["sh$"]}, True),
    ({"commands": ["^sh$", "^/bin/"]}, True),
    ({"commands": ["^bash"]}, False),
    ({"hasBindMounts": True}, True),
    ({"hasBindMounts": False}, False),
    ({"always": True, "commands": ["^bash"]}, False),
    ({"hasBindMounts": True, "commands": ["sh"], "annotations": {"example": "on"}}, True),
]


@pytest.mark.parametrize(("when", "expected"), WHEN)
def test_conditions(when, expected):
    """All conditions must hold, and there must be at least one."""
    config = {"process": {"args": ["/bin/sh", "-c", "bash"]}, "annotations": {"com.example.x": "only"}}
    assert bool(chosen([parse(FILE, hook(when))], config, bind_mounts=True)) is expected


def test_bind_mounts_are_asked_for():
    """A hook for containers with bind mounts does not apply to a container without."""
    assert chosen([parse(FILE, hook({"hasBindMounts": True}))], {}, bind_mounts=False) == {}


def test_what_the_runtime_gets():
    """Each stage has its hooks, with all properties from the file."""
    entry = {"path": "/bin/hook", "args": ["hook", "-v"], "env": ["A=b"], "timeout": 3}
    one = parse(FILE, hook({"always": True}, hook=entry, stages=["prestart", "poststop"]))
    two = parse(FILE, hook({"always": True}))
    assert chosen([one, two], {}, bind_mounts=False) == {
        "prestart": [entry, {"path": "/bin/hook"}],
        "poststop": [entry],
    }


BROKEN = [
    "{",
    "[]",
    hook({"always": True}, version="0.1.0"),
    hook({"always": True}, version=...),
    hook({"always": True}, stages=[]),
    hook({"always": True}, stages=["prestart", "later"]),
    hook({"always": True}, stages="prestart"),
    hook(...),
    hook({"always": "yes"}),
    hook({"hasBindMounts": 1}),
    hook({"annotations": {"(": "x"}}),
    hook({"annotations": {"x": 1}}),
    hook({"commands": ["["]}),
    hook({"commands": "sh"}),
    hook({"always": True}, hook=...),
    hook({"always": True}, hook={"path": "bin/hook"}),
    hook({"always": True}, hook={"path": "/h", "args": "x"}),
    hook({"always": True}, hook={"path": "/h", "env": ["A"]}),
    hook({"always": True}, hook={"path": "/h", "timeout": 0}),
    hook({"always": True}, hook={"path": "/h", "timeout": True}),
]


@pytest.mark.parametrize("text", BROKEN)
def test_broken_files_are_named(text):
    """An invalid hook file is refused, naming it."""
    with pytest.raises(InvalidOption) as caught:
        parse(FILE, text)
    assert FILE in str(caught.value)
