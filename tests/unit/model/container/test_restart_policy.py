# SPDX-License-Identifier: GPL-3.0-or-later
"""Restart policies, parsed and written."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.model.container.restart_policy import RestartPolicy, decode_restart_policy, parse_restart_policy

GOOD = {
    "no": ("no", 0),
    "": ("no", 0),
    "False": ("no", 0),
    "false": ("no", 0),
    "on-failure": ("on-failure", 0),
    "on-failure:0": ("on-failure", 0),
    "on-failure:007": ("on-failure", 7),
    "always": ("always", 0),
    "unless-stopped": ("unless-stopped", 0),
}
BAD = (
    "on-failure:x",
    "on-failure:",
    "on-failure:-1",
    "on-failure:1.5",
    "on-failure:\u0663",
    "on-failure:9999999999",
    "on-failure:1:2",
    "always:3",
    "no:1",
    "Always",
    " always",
    "sometimes",
    "True",
    ":3",
)


@pytest.mark.parametrize("text", GOOD)
def test_read(text):
    """A policy is parsed, and survives storing."""
    policy = parse_restart_policy("restart_policy", text)
    assert policy == RestartPolicy(*GOOD[text])
    assert decode_restart_policy(str(policy)) == policy


@pytest.mark.parametrize("text", BAD)
def test_refused(text):
    """An invalid policy is refused, and the remedy lists the valid ones."""
    with pytest.raises(InvalidOption, match=r"restart_policy: .*on-failure:N"):
        parse_restart_policy("restart_policy", text)
