# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.slipway.oci.plugins.test import healthy, running

TESTS = {**running.TestModule().tests(), **healthy.TestModule().tests()}


def container(status="running", health=""):
    """Return a container as inspect shows it, as far as tests look."""
    return {"Name": "web", "State": {"Status": status, "Health": {"Status": health}}}


WELL = container(health="healthy")
ENDED = container("exited", "healthy")
CASES = [
    (WELL, True, True),
    (container(), True, False),
    (container(health="starting"), True, False),
    (ENDED, False, False),
    (container("paused", "healthy"), False, False),
    (container("unknown"), False, False),
    ({"State": {"Status": "running"}}, True, False),
    ({"changed": False, "container": WELL}, True, True),
    ({"changed": False, "containers": [WELL, WELL]}, True, True),
    ({"containers": [WELL, ENDED]}, False, False),
    ([WELL], True, True),
]


@pytest.mark.parametrize(("value", "runs", "is_healthy"), CASES)
def test_what_tells_of_containers(value, runs, is_healthy):
    """A result, its container or containers, and the format of inspect are accepted; all must match."""
    assert (TESTS["running"](value), TESTS["healthy"](value)) == (runs, is_healthy)


WRONG = [
    ("web", "a string, neither the result"),
    (None, "nothing, neither the result"),
    (True, "a boolean"),
    ({}, "none of the keys container, containers and State"),
    ({"changed": True, "volume": {}}, "none of the keys container"),
    ({"failed": True, "msg": "no space"}, "the task failed: no space"),
    ({"skipped": True}, "skipped"),
    ({"container": {}}, "no container: the container does not exist"),
    ({"containers": []}, "no container: the container does not exist"),
    ([], "no container"),
    (["web"], "a State with a Status, but this is a string"),
    ({"State": "running"}, "a State with a Status"),
    ({"State": {}}, "a State with a Status"),
]


@pytest.mark.parametrize("name", ["running", "healthy"])
@pytest.mark.parametrize(("value", "why"), WRONG)
def test_what_tells_of_none(name, value, why):
    """Anything else is an error that says what it is, never false."""
    with pytest.raises(AnsibleFilterError, match=rf"slipway.oci.{name}: .*{why}"):
        TESTS[name](value)
