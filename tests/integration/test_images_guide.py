# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/images.md shows goes well."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import sys

import pytest
import yaml
from guide import Guide

import registries


@pytest.fixture(scope="module")
def guide(need, tree, fresh_node, archive, tmp_path_factory):
    """Return the page with its files, its host, and the engine's program in PATH."""
    need(
        registries.is_there() and shutil.which("skopeo"),
        "docker-registry, unpacked by tests/setup.yml, and skopeo",
    )
    top = tmp_path_factory.mktemp("guide")
    with fresh_node() as node, registries.registry(top / "registry") as registry:
        text = (tree / "docs/images.md").read_text().replace("registry.example", registry.address)
        guide = Guide(text, top)
        for tag in ("1", "edge"):
            registry.push(f"docker-archive:{archive}", f"team/app:{tag}")
        shutil.copy(archive, top / "app.tar")
        node.load(archive)
        # It has no certificate.
        plain = {key: {"tls_verify": False} for key in ("slipway.oci.container", "slipway.oci.image")}
        defaults = {"group/slipway.oci.engine": node.where, **plain}
        for name, text in guide.files.items():
            plays = [{**play, "module_defaults": defaults} for play in yaml.safe_load(text)]
            (guide.top / name).write_text(yaml.safe_dump(plays))
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        hosts = {"webservers": {"hosts": {"web1": local}}}
        (guide.top / "hosts.yml").write_text(yaml.safe_dump(hosts))
        node.volume("test", labels={"stage": "test"})
        node.start("sleep", "1000", name="app", stop_timeout=0)  # it leaves the program there
        yield guide, f"{node.layout.root}/agent/current:{os.environ['PATH']}", node


def test_commands_and_plays(guide):
    """Each command goes well; the play removes what it names, and changes nothing the second time."""
    page, path, node = guide
    for command in page.commands:
        done = page.run(command, PATH=path)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        again = page.run(command, PATH=path)
        assert "web1" not in again.stdout or re.search(r"changed=0 .*failed=0", again.stdout), again.stdout
    assert node.volumes() == []


def test_the_words_of_the_table(guide):
    """The table of what goes names options that there are."""
    documented = importlib.import_module("ansible_collections.slipway.oci.plugins.modules.image_prune")
    options = yaml.safe_load(documented.DOCUMENTATION)["options"]
    named = {re.split(r"[:`]", row)[0] for row in guide[0].rows("what")} - {"image_prune"}
    assert named == {"all", "keep_last", "blobs"}
    assert named <= set(options)
