# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine is sent to a host through the standard input of Python on the host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.slipway.oci.plugins.plugin_utils.agent_delivery import Engine
from ansible_collections.slipway.oci.plugins.plugin_utils.host_connection import Answer

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root asks an engine")
LISTING = ["ps", "--all", "--json"]


class Here:
    """This machine, reached without Ansible."""

    name, python = "web1", sys.executable

    def run(self, argv, data):
        """Run a program."""
        done = subprocess.run(argv, input=data, check=False, capture_output=True)
        return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def top(tmp_path) -> Path:
    """Return a directory with the root of an engine whose program is missing."""
    (tmp_path / "root").mkdir(mode=0o700)
    return tmp_path


def asked(top: Path, root: str, *, installs: bool, nothing: str | None = None) -> Answer:
    """List the containers of an engine."""
    return Engine(Here(), str(top / root), str(top / "run"), installs=installs).run(
        ["--run-root", str(top / "run"), *LISTING], b"\n", nothing=nothing
    )


def program(top: Path) -> Path:
    """Return the path of the program."""
    return top / "root/agent/current/slipway"


@pytest.mark.parametrize("installs", [False, True])
def test_the_program_runs_and_stays_where_it_may(top, installs):
    """It returns the same as the installed program, and is installed only if that is allowed."""
    (top / "root/containers").mkdir()
    answer = asked(top, "root", installs=installs)
    assert (answer.rc, json.loads(answer.stdout or "null")) == (0, []), answer
    assert program(top).exists() == installs
    if installs:
        done = subprocess.run([program(top), *LISTING], check=False, capture_output=True)
        assert (done.returncode, done.stdout) == (0, answer.stdout)


@pytest.mark.parametrize(("nothing", "rc", "stdout"), [("[]", 0, b"[]"), (None, 125, b"")])
def test_where_no_engine_is_nothing_is_made(top, nothing, rc, stdout):
    """A missing root is not created, even if the program may be installed."""
    answer = asked(top, "nowhere", installs=True, nothing=nothing)
    assert (answer.rc, answer.stdout) == (rc, stdout), answer
    assert not (top / "nowhere").exists()
