# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of docs/cli.md succeed as printed, in their order."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from _engine.agent.cli import verb_table
from _engine.agent.verbs import dispatch
from _engine.lifecycle.inspect import filters
from dockerarchive import write_archive


@pytest.fixture
def guide(tree) -> str:
    """Return the page."""
    return (tree / "docs/cli.md").read_text()


@pytest.mark.parametrize("runtime", ["crun"])
def test_commands(guide, host, agent, busybox, tmp_path):
    """Each line of the page's blocks exits with 0 and prints no error."""
    listen = ("sh", "-c", "trap : HUP; while :; do sleep 0.1; done")
    common = {"label": {"tier": "front"}, "volume": ["data:/data"], "stop_timeout": 0}
    host.start(*listen, name="web", **common)
    host.want("created", "true", name="needy", requires=["web"])
    host.start("true", name="job", volume=["data:/data"])
    archive = write_archive(tmp_path / "app.tar", "localhost/app:1", [busybox], Env=["A=b"])
    commands = [line.strip() for line in guide.splitlines() if line.startswith("    slipway ")]
    assert len(commands) > 30
    path = f"{Path(agent[0]).parent}:{os.environ['PATH']}"
    for command in commands:
        done = subprocess.run(
            ["bash", "-c", command.replace("/srv/app.tar", str(archive))],
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.returncode, done.stderr) == (0, ""), command


def test_tables(guide):
    """The page lists all filter keys, and only verbs that exist."""
    for keys in (filters.CONTAINERS, filters.IMAGES, filters.VOLUMES, filters.NETWORKS):
        row = ", ".join(f"`{key}`" for key in keys)
        assert f"| {row} |" in guide
    verbs = {entry.words for entry in verb_table.entries(dispatch.parser_of("/a", "/b"))}
    shown = {line.split()[1] for line in guide.splitlines() if line.startswith("    slipway ")}
    assert shown <= verbs
