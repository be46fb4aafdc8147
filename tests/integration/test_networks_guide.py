# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/networks.md shows is what its readers get."""

from __future__ import annotations

import os
import re
import sys

import pytest
import yaml
from guide import Guide

from netlab import own_network


@pytest.fixture(scope="module")
def guide(tree, fresh_node, archive, tmp_path_factory):
    """Return the page with its files, its host in a network of its own, and the engine's program in PATH."""
    guide = Guide((tree / "docs/networks.md").read_text(), tmp_path_factory.mktemp("guide"))
    with own_network(), fresh_node() as node:
        node.load(archive)
        defaults = {"group/slipway.oci.engine": node.where}
        for name, text in guide.files.items():
            plays = [{**play, "module_defaults": defaults} for play in yaml.safe_load(text)]
            (guide.top / name).write_text(yaml.safe_dump(plays))
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        hosts = {"webservers": {"hosts": {"web1": local}}}
        (guide.top / "hosts.yml").write_text(yaml.safe_dump(hosts))
        yield guide, f"{node.layout.root}/agent/current:{os.environ['PATH']}"


def test_commands_and_plays(guide):
    """Each command prints what the page shows; a play goes well, and changes nothing the second time."""
    page, path = guide
    shown_ones = 0
    for command, shown in page.commands.items():
        done = page.run(command, PATH=path)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        if shown:
            shown_ones += 1
            assert done.stdout.strip() == shown.strip()
        else:
            assert "10.89.0.3" in done.stdout
            again = page.run(command, PATH=path)
            assert re.search(r"^web1 +: ok=\d+ +changed=0 .*failed=0", again.stdout, re.MULTILINE), (
                again.stdout
            )
    assert shown_ones == 3
