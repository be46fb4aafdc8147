# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's scripts for hosts without systemd: they call the agent, and stay quiet before there is one.

The unit of systemd is tested where systemd is, in tests/vm.
"""

from __future__ import annotations

import subprocess

import pytest

#: What openrc-run gives to a script, and what it does with it.
OPENRC = "ebegin() { :; }; eend() { return $1; }; . {script}; {verb}"


@pytest.fixture
def program(tmp_path):
    """Return the path of a program in the agent's place, which notes how it was called; it is not there yet."""
    return tmp_path / "slipway"


@pytest.fixture(params=["sysv", "openrc"])
def call(request, tree, program, tmp_path):
    """Return the function that calls a verb of the script, and gives its exit code."""
    script = tmp_path / "script"
    text = (tree / f"roles/host/files/slipway.{request.param}").read_text()
    script.write_text(text.replace("/usr/local/bin/slipway", str(program)))

    def call(verb: str) -> int:
        whole = OPENRC.replace("{script}", str(script)).replace("{verb}", verb)
        argv = ["sh", script, verb] if request.param == "sysv" else ["sh", "-c", whole]
        return subprocess.run(argv, check=False).returncode

    return call


def place(program, code: int) -> None:
    """Put the program there; it ends with the code."""
    program.write_text(f'#!/bin/sh\necho "$@" >>"{program}.calls"\nexit {code}\n')
    program.chmod(0o755)


def test_without_the_agent_nothing_happens(call):
    """A host that has had no container yet boots and stops without a complaint."""
    assert (call("start"), call("stop")) == (0, 0)


@pytest.mark.parametrize("code", [0, 1])
def test_boot_and_shutdown(call, program, code):
    """A container that does not start does not make the service fail: it has to be there to stop the others."""
    place(program, code)
    assert (call("start"), call("stop")) == (0, code)
    assert (program.parent / "slipway.calls").read_text() == "boot\nshutdown\n"
