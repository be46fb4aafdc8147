# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/inventory.md shows is what its readers get."""

from __future__ import annotations

import re

import pytest
import yaml
from guide import Guide

#: What the sources find for which no command is shown; ``fresh`` comes by a play of the page.
FOUND = {"front": {"web"}, "newest": {"fresh"}, "cached": {"db", "web", "fresh"}}
STRICT = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}


@pytest.fixture(scope="module")
def guide(tree, fresh_node, archive, tmp_path_factory):
    """Return the page with its files written, its containers on this machine, and its hosts this machine too."""
    guide = Guide((tree / "docs/inventory.md").read_text(), tmp_path_factory.mktemp("guide"))
    with fresh_node() as node:
        node.load(archive)
        node.start("sleep", "1000", name="db", label={"tier": "back"})
        check = {"healthcheck": "true", "healthcheck_interval": "disable"}
        node.start("sleep", "1000", name="web", label={"tier": "front"}, **check)
        assert node.agent("healthcheck", "run", "web").stdout == "healthy\n"
        for name, text in guide.files.items():
            (guide.top / name).write_text(yaml.safe_dump(here(guide, node, name, yaml.safe_load(text))))
        (guide.top / "group_vars").mkdir()
        (guide.top / "group_vars/webservers.yml").write_text("ansible_connection: local\n")
        yield guide


def here(guide, node, name, content):
    """Say in a file where things are on this machine."""
    if name.endswith(".slipway.yml"):
        cache = {"cache_connection": f"{guide.top}/cache"} if "cache" in content else {}
        return {**content, **node.where, **cache}
    if name == "fresh.yml":
        return [{**play, "module_defaults": {"group/slipway.oci.engine": node.where}} for play in content]
    return content


def test_commands_and_files(guide):
    """Each command prints what the page shows, each play goes well, and each other source finds what it speaks of."""
    plays = {"play.yml": "web", "fresh.yml": "fresh"}
    for command, shown in guide.commands.items():
        done = guide.run(command, **STRICT)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        if shown:
            assert done.stdout.splitlines() == shown.splitlines()
        else:
            host = plays.pop(command.split()[-1])
            assert re.search(rf"^{host} +: ok=[12] +changed=0 ", done.stdout, re.MULTILINE), done.stdout
    assert plays == {}
    for name, found in FOUND.items():
        done = guide.run(f"ansible-inventory -i {name}.slipway.yml --graph", **STRICT)
        assert {*re.findall(r"--(\w+)$", done.stdout, re.MULTILINE)} == found, done.stderr


#: A source that gets each warning of the page's table, and what else it is.
WARNINGS = {
    "there is no agent": ("a.slipway.yml", {"agent": "/nosuch"}),
    "no engine named": ("e.slipway.yml", {"root": "/nosuch"}),
    "host web1:": ("b.slipway.yml", {"hosts": ["web1"]}),
    "matches no host": ("c.slipway.yml", {"hosts": ["web3"]}),
    "could not be verified by inventory plugin": ("d.yml", {}),
}


def test_warnings(guide):
    """Each warning of the table is what is said in its case."""
    assert guide.rows("the warning says") == [*WARNINGS]
    (guide.top / "cases.ini").write_text(
        "web1 ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1\n"
    )
    for words, (name, options) in WARNINGS.items():
        (guide.top / name).write_text(yaml.safe_dump({"plugin": "slipway.oci.containers", **options}))
        done = guide.run(f"ansible-inventory -i cases.ini -i {name} --graph")
        assert words in " ".join(done.stderr.split())
