# SPDX-License-Identifier: GPL-3.0-or-later
"""Explanations of real containers."""

from __future__ import annotations

import shutil
import subprocess

from _engine.lifecycle.info import explain, info


def explained(host, name="box"):
    """Return the sentences about a container."""
    with host.open(read_only=True) as engine:
        [shape] = explain.explained(engine, info.containers(engine, [name]).result["containers"])
    return shape["explain"]


def test_why_it_does_not_run(host, tmp_path):
    """A failed container's exit code, restart policy and lost mount source are explained."""
    source = tmp_path / "source"
    source.mkdir()
    host.start("sh", "-c", "exit 3", volume=[f"{source}:/data"])
    host.ended()
    shutil.rmtree(source)
    said = explained(host)
    assert said[0].startswith("box exited ")
    assert said[0].endswith(" with exit status 3.")
    assert "Its restart policy no does not restart it." in said
    assert f"{source}, mounted at /data, no longer exists on the host." in said


def test_who_stopped_it(host):
    """A stop is attributed to the user."""
    host.start("sleep", "1000", stop_signal="KILL")
    assert explained(host)[0].startswith("box is running, started ")
    host.bring("box", "stopped")
    assert "A user stopped it, so only a user starts it again." in explained(host)


def test_on_the_command_line(host):
    """The command prints the sentences; an unknown name exits with 125 and similar names."""
    host.want("created", "sleep", "1000")
    argv = [host.layout.agent_program, "explain"]
    found = subprocess.run([*argv, "box"], capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.startswith("box was created ")
    wrong = subprocess.run([*argv, "bax"], capture_output=True, text=True, timeout=60, check=False)
    assert (wrong.returncode, "box" in wrong.stderr) == (125, True)
