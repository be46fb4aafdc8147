# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/registries.md shows is what its readers get."""

from __future__ import annotations

import json
import re
import shutil
import sys
from contextlib import ExitStack

import pytest
import yaml
from guide import Guide

import registries
from _engine.images.registry.credentials import default_paths
from certificates import Authority
from connectproxy import connect_proxy
from registries import registry

PASSWORD = "secret-of-bob"
NAMES = ("registry.example", "mirror.example")


@pytest.fixture(scope="module")
def page(tree, need, fresh_node, archive, tmp_path_factory):
    """Return the page, with its registries behind a proxy that knows their names."""
    need(
        registries.is_there() and shutil.which("skopeo"),
        "docker-registry, unpacked by tests/setup.yml, and skopeo",
    )
    top = tmp_path_factory.mktemp("guide")
    guide = Guide((tree / "docs/registries.md").read_text(), top)
    with ExitStack() as stack:
        node = stack.enter_context(fresh_node())
        authority = Authority(top / "authority")
        trust = authority.directory(top / "certs")
        tls = authority.server(names=(*(f"DNS:{name}" for name in NAMES), "IP:127.0.0.1"))
        running = {
            name: stack.enter_context(
                registry(
                    top / name, tls=tls, trust=trust, users={"bob": PASSWORD} if name == NAMES[0] else None
                )
            )
            for name in NAMES
        }
        for tag in ("1", "edge"):
            running[NAMES[0]].push(
                f"docker-archive:{archive}", f"team/app:{tag}", f"--dest-creds=bob:{PASSWORD}"
            )
        running[NAMES[1]].push(f"docker-archive:{archive}", "hub/tools/app:1")
        ports = {f"{name}:443": one.port for name, one in running.items()}
        proxy, asked = stack.enter_context(connect_proxy(ports))
        places = {"/srv/slipway": node.layout.root, "/run/slipway-of-team": node.layout.run_root}
        places |= {"/srv/": f"{top}/", "http://proxy.example:3128": proxy}
        for name, text in guide.files.items():
            (top / name).write_text(replaced(text, places))
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        (top / "hosts.yml").write_text(yaml.safe_dump({"builders": {"hosts": {"build1": local}}}))
        yield guide, proxy, asked


def replaced(text, places):
    """Return a text with places of this run."""
    for place, ours in places.items():
        text = text.replace(place, ours)
    return text


def test_plays(page):
    """Each play goes well, with the digest that the registry has, and changes nothing the second time."""
    guide, proxy, asked = page
    assert len(guide.commands) == len(guide.files) == 3
    for command in guide.commands:
        # The play about proxies says by itself where one is.
        settings = {} if "proxy.yml" in command else {"HTTPS_PROXY": proxy}
        asked.clear()
        done = guide.run(f"{command} --diff -vvv", REGISTRY_PASSWORD=PASSWORD, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "changed=0" not in done.stdout
        assert PASSWORD not in done.stdout + done.stderr
        assert {*asked} == {"mirror.example:443" if "mirrors.yml" in command else "registry.example:443"}
        again = guide.run(command, REGISTRY_PASSWORD=PASSWORD, **settings)
        assert re.search(r"^build1 +: ok=\d+ +changed=0 .*failed=0", again.stdout, re.MULTILINE), again.stdout
    assert [*json.loads((guide.top / "auth.json").read_text())["auths"]] == ["registry.example"]


def test_the_order_of_files(page):
    """The table of files is what is looked into, in its order."""
    guide, _proxy, _asked = page
    table = guide.text.partition("| source, first match wins |")[2].partition("\n\n")[0]
    usual = [*default_paths({"HOME": "~", "XDG_RUNTIME_DIR": "$XDG_RUNTIME_DIR"}, 0)]
    rows = [row for row in table.splitlines() if ".json`" in row]
    assert len(usual) == len(rows)
    for path, row in zip(usual, rows):
        assert f"`{path}`" in row
    assert [*default_paths({"REGISTRY_AUTH_FILE": "x", "HOME": "~"}, 0)] == ["x"]
