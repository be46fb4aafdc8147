# SPDX-License-Identifier: GPL-3.0-or-later
"""The command in the users' PATH."""

from __future__ import annotations

import os
import subprocess

import pytest

from _engine.agent.install import offer


@pytest.fixture
def program(tmp_path):
    """Return a program in a directory that only its owner can access."""
    place = tmp_path / "private dir/slipway"
    place.parent.mkdir(mode=0o700)
    place.write_text('#!/bin/sh\necho "ran $*"\nexit 3\n')
    place.chmod(0o700)
    return place


def run(*argv: object) -> tuple[int, str, str]:
    """Run a command; return its exit code, output and errors."""
    done = subprocess.run([*map(str, argv)], check=False, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_the_command_runs_the_program(tmp_path, program):
    """Arguments and exit code are passed through; an older link is replaced, but no foreign file."""
    command = tmp_path / "slipway"
    command.symlink_to(program)
    offer(str(program), str(command))
    assert not command.is_symlink()
    assert run(command, "a b", "c") == (3, "ran a b c\n", "")
    program.unlink()
    code, _said, errors = run(command)
    assert (code, "is gone. Run a task" in errors) == (125, True)
    command.write_text("mine")
    offer(str(program), str(command))
    assert command.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another")
def test_who_is_not_root_is_told_so(program):
    """A user who may not run the program gets an error with a remedy."""
    command = "/tmp/slipway-command-of-a-test"
    offer(str(program), command)
    try:
        own = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        assert run(*own, command, "ps") == (125, "", "slipway: the engine needs root. Run it with sudo\n")
    finally:
        os.unlink(command)
