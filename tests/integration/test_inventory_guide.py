# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/inventory.md shows is what its readers get."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
import yaml

BLOCK = re.compile(r"^```yaml\n# (?P<file>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^    \$ (?P<command>.*)\n(?P<shown>(?:    .*\n)*)", re.MULTILINE)


@pytest.fixture
def guide(tree, need, fresh_node, archive, tmp_path):
    """Return the page's text, with its files in a directory and its containers on this machine."""
    text = (tree / "docs/inventory.md").read_text()
    with fresh_node() as node:
        node.load(archive)
        node.start("sleep", "1000", name="db", label={"tier": "back"})
        check = {"healthcheck": "true", "healthcheck_interval": "disable"}
        node.start("sleep", "1000", name="web", label={"tier": "front"}, **check)
        assert node.agent("healthcheck", "run", "web").stdout == "healthy\n"
        for block in BLOCK.finditer(text):
            content = yaml.safe_load(block["text"])
            if block["file"].endswith(".slipway.yml"):
                content |= node.where
            if "cache" in content:
                content["cache_connection"] = str(tmp_path / "cache")
            if isinstance(content, list):
                content[0]["module_defaults"] = {"group/slipway.oci.engine": node.where}
            (tmp_path / block["file"]).write_text(yaml.safe_dump(content, sort_keys=False))
        # All hosts of the page are this machine.
        (tmp_path / "group_vars").mkdir()
        (tmp_path / "group_vars/webservers.yml").write_text("ansible_connection: local\n")
        yield text


def run(tmp_path, *argv):
    """Run a command of Ansible's among the page's files, and return what it prints."""
    settings = {
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
        "ANSIBLE_LOCAL_TEMP": str(tmp_path / "tmp"),
    }
    done = subprocess.run(
        argv, check=False, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **settings}
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def test_the_guide(guide, tmp_path):
    """Each command prints what the page shows, and each source that no command is shown for can be read and finds something."""
    shown = []
    for found in COMMAND.finditer(guide):
        printed = run(tmp_path, *found["command"].split())
        lines = [line.removeprefix("    ") for line in found["shown"].splitlines()]
        if lines:
            assert printed.splitlines() == lines
        elif "fresh.yml" in found["command"]:
            assert re.search(r"^fresh +: ok=1 ", printed, re.MULTILINE)
        else:
            assert re.search(r"^web +: ok=2 ", printed, re.MULTILINE)
        shown += found["command"].split()
    others = {block["file"] for block in BLOCK.finditer(guide)} - {*shown}
    assert others == {"front.slipway.yml", "newest.slipway.yml", "cached.slipway.yml"}
    for file, names in {"front": ["web"], "newest": ["fresh"], "cached": ["db", "fresh", "web"]}.items():
        graph = run(tmp_path, "ansible-inventory", "-i", f"{file}.slipway.yml", "--graph")
        assert sorted(set(re.findall(r"--(\w+)$", graph, re.MULTILINE))) == names
