# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes that others have made end in an answer or an error of the engine at each edge, never in a traceback or a hang."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import campaign

#: Of each edge. `make fuzz` reads a million.
_INPUTS = 10_000


@pytest.mark.parametrize("edge", campaign.EDGES)
def test_edge(need, edge):
    """No mutated input lets an exception out, hangs, takes much memory, or is written outside of the engine."""
    need(os.geteuid() == 0, "root")
    seed = int.from_bytes(os.urandom(3), "big")
    result = campaign.fuzz(edge, inputs=_INPUTS, seed=seed)
    assert result.passed, f"seed {seed}, input {result.failed}:\n{result.words}"
    assert result.inputs >= _INPUTS


def test_a_fault_is_found():
    """An input that raises fails the campaign and is kept, and the report has the exception."""
    result = campaign.fuzz("broken", inputs=1000, seed=1)
    assert not result.passed
    assert "KeyError" in result.words
    assert len(result.failed.read_bytes()) > 0
    result.failed.unlink()
