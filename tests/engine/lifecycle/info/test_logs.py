# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of real containers: rotated by size, read from all files, followed to the end."""

from __future__ import annotations

import os
import subprocess

import pytest

from _engine.errors import InvalidOption
from enginehost import eventually

#: Bursts with pauses, so that the log is rotated several times while it is written.
WRITER = (
    "i=0; while [ $i -lt 4000 ]; do echo line $i; i=$((i+1)); [ $((i%200)) = 0 ] && sleep 0.1; done; exit 0"
)
WANTED = [f"line {number}" for number in range(4000)]
ROTATED = {"max_size": "30k", "max_file": 20}


def program(host, *words):
    """Return the program's output."""
    argv = [host.layout.agent_program, *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True).stdout


def test_rotated_and_followed(host):
    """While the log rotates, a follower and a later reader see every line once and in order."""
    host.start("sh", "-c", f"sleep 1; {WRITER}", log_opt=ROTATED)
    assert program(host, "logs", "--follow", "box").splitlines() == WANTED
    host.ended()
    path = host.inspect()["HostConfig"]["LogConfig"]["Path"]
    assert os.path.exists(f"{path}.2")
    assert program(host, "logs", "box").splitlines() == WANTED
    assert program(host, "logs", "--tail", "1500", "box").splitlines() == WANTED[-1500:]
    assert host.log()[0].splitlines() == WANTED


def test_old_files_go(host):
    """No more files are kept than requested, each of about the requested size."""
    host.start("sh", "-c", WRITER, log_opt={"max_size": "20k", "max_file": 3})
    host.ended()
    path = host.inspect()["HostConfig"]["LogConfig"]["Path"]
    names = sorted(name for name in os.listdir(os.path.dirname(path)) if name.startswith("ctr.log"))
    assert names == ["ctr.log", "ctr.log.1", "ctr.log.2"]
    said = program(host, "logs", "box").splitlines()
    assert said == WANTED[-len(said) :]
    eventually(lambda: host.processes() == [], "who rotates has gone")


def test_a_restart_goes_on_in_the_same_log(host):
    """A second run's lines follow the first's, and the log is still rotated."""
    host.start("sh", "-c", WRITER, log_opt={**ROTATED, "max_file": 40})
    host.ended()
    host.bring("box", "started")
    host.ended()
    assert program(host, "logs", "box").splitlines() == WANTED * 2


def test_windows_in_time(host):
    """--since and --until select lines by time; an invalid time is refused."""
    host.start("echo", "hello")
    host.ended()
    assert program(host, "logs", "--since", "1h", "box") == "hello\n"
    assert program(host, "logs", "--until", "1h", "box") == ""
    assert program(host, "logs", "-t", "box").endswith("Z hello\n")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        program(host, "logs", "--since", "tomorrow", "box")
    assert caught.value.returncode == 2


@pytest.mark.parametrize(
    "options", [{"max_file": 3}, {"max_size": "1m", "max_file": 0}, {"max_size": "1m", "max_file": 100}]
)
def test_what_can_not_be_kept(host, options):
    """A number of files without a size, and an invalid number, are refused."""
    with pytest.raises(InvalidOption):
        host.start("true", log_opt=options)
