# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible.errors import AnsibleError
from ansible_collections.slipway.oci.plugins.plugin_utils.agent_requests import answered, listing

SHAPE = {"Name": "web", "Config": {"Env": ["PASSWORD=hunter2"], "Labels": {}}}


def test_the_command():
    """The agent gets the engine's directories if they are not the default."""
    assert listing("/a/slipway", None, None) == ["/a/slipway", "ps", "--all", "--json"]
    assert listing("/a", "/r", "/run/r") == [
        "/a",
        "--root",
        "/r",
        "--run-root",
        "/run/r",
        "ps",
        "--all",
        "--json",
    ]


def test_environments_are_left_out():
    """Environments are returned only on request, everything else always."""
    told = json.dumps([SHAPE]).encode()
    assert answered(["a"], 0, told, b"", env=True) == [SHAPE]
    assert answered(["a"], 0, told, b"", env=False) == [{"Name": "web", "Config": {"Labels": {}}}]


WRONG = [
    (
        127,
        b"",
        b"sh: not found",
        r"no agent /a \(sh: not found\). Unless agent \(ansible_slipway_agent\) is set",
    ),
    (126, b"", b"", "no agent /a"),
    (125, b"", b"slipway: the engine needs root", "exited with status 125: slipway: the engine needs root"),
    (0, b"", b"", "did not return a list"),
    (0, b"hello", b"", "did not return a list"),
    (0, b"{}", b"", "did not return a list"),
    (0, b"[1]", b"", "did not return a list"),
    (0, b'[{"Name": "web"}]', b"", "did not return a list"),
]


@pytest.mark.parametrize(("rc", "stdout", "stderr", "why"), WRONG)
def test_what_is_no_answer(rc, stdout, stderr, why):
    """Each kind of missing reply is reported with a remedy."""
    with pytest.raises(AnsibleError, match=why):
        answered(["/a", "ps"], rc, stdout, stderr, env=False)
