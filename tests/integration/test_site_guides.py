# SPDX-License-Identifier: GPL-3.0-or-later
"""What the README, the front page and the guides about one service show is what their readers get."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from guide import Guide

import registries
from dockerarchive import Link, busybox_layer, layer, write_archive
from netlab import own_network

#: In this order, since each page goes on where the one before has left off.
PAGES = (
    "start",
    "volumes",
    "lifecycle",
    "updates",
    "health",
    "files",
    "operations",
    "security",
    "moving",
    "troubleshooting",
)
REMOVE = "ansible-playbook -i hosts.yml remove.yml"
REGISTRY = "docker.io/library"
#: The facts of the host are asked once for all plays, and modules come to it in one go.
QUICK = {
    "ANSIBLE_GATHERING": "smart",
    "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
    "ANSIBLE_PIPELINING": "true",
}


def web_server(path: Path, busybox: str, release: str) -> Path:
    """Write the archive of an image that serves a page where nginx's image does, by busybox; return its path."""
    files = {
        **{f"bin/{name}": Link("busybox") for name in ("httpd", "test")},
        **dict.fromkeys(("usr", "usr/share", "usr/share/nginx", "usr/share/nginx/html", "root")),
        "usr/share/nginx/html/index.html": b"<h1>Welcome to nginx!</h1>\n",
        "etc/release": release.encode(),
    }
    command = ["httpd", "-f", "-p", "80", "-h", "/usr/share/nginx/html"]
    config = {"Cmd": command, "StopSignal": "SIGKILL"}  # busybox as PID 1 takes no other
    return write_archive(path, f"localhost/nginx:{release}", [busybox_layer(busybox), layer(files)], **config)


class Site:
    """The directory of a reader who follows all pages, and the host with its engine."""

    def __init__(self, tree: Path, top: Path, node, address: str) -> None:
        self.tree, self.top, self._node = tree, top, node
        self._places = {
            f"{REGISTRY}/": f"{address}/",
            "/srv/": f"{top}/",
            "/var/lib/slipway/": f"{node.layout.root}/",
        }
        self._plain = {name: {"tls_verify": False} for name in ("slipway.oci.container", "slipway.oci.image")}
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        # What the role would install is there, or comes from a network that is not there.
        role = {"slipway_boot": False, "slipway_extras": []}
        self.host = {**local, **role}

    def page(self, path: str, directory: str = ".") -> Guide:
        """Return a page with its files written, for this registry, engine and host."""
        text = (self.tree / path).read_text()
        for place, ours in self._places.items():
            text = text.replace(place, ours)
        guide = Guide(text, self.top / directory)
        guide.write()
        (guide.top / "group_vars").mkdir(exist_ok=True)
        places = {f"ansible_slipway_{name}": place for name, place in self._node.where.items()}
        (guide.top / "group_vars/all.yml").write_text(json.dumps(places))
        defaults = {"group/slipway.oci.engine": self._node.where, **self._plain}
        for name, content in guide.files.items():
            parsed = yaml.safe_load(content)
            if isinstance(parsed, list):
                parsed = [{**play, "module_defaults": defaults} for play in parsed]
            else:
                parsed["webservers"]["hosts"]["web1"] = self.host
            (guide.top / name).write_text(json.dumps(parsed))
        return guide

    def run(self, guide: Guide, command: str) -> str:
        """Run a command of a page, and return what it printed; one that fails shows all of it."""
        path = f"{self._node.layout.root}/agent/current:{os.environ['PATH']}"
        done = guide.run(command, PATH=path, **QUICK, ANSIBLE_CACHE_PLUGIN_CONNECTION=f"{self.top}/facts")
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def site(need, tree, fresh_node, busybox, tmp_path_factory) -> Iterator[Site]:
    """Return the reader's directory, with a registry that has two releases of a web server."""
    need(
        registries.is_there() and shutil.which("skopeo"),
        "docker-registry, unpacked by tests/setup.yml, and skopeo",
    )
    top = tmp_path_factory.mktemp("site")
    with own_network(), fresh_node() as node, registries.registry(top / "registry") as registry:
        for release in ("1.27", "1.28"):
            archive = web_server(top / f"{release}.tar", busybox, release)
            registry.push(f"docker-archive:{archive}", f"nginx:{release}")
        let_through(Path(node.layout.root).parent)
        yield Site(tree, top, node, registry.address)


def let_through(directory: Path) -> None:
    """Let users other than root traverse a directory and those above it, as those of a user namespace must."""
    for each in (directory, *directory.parents):
        if not each.stat().st_mode & 0o001:
            each.chmod(each.stat().st_mode | 0o001)


@pytest.mark.parametrize("name", PAGES)
def test_commands_of_the_guides(site, name):
    """Each command of the page goes well, and prints what the page shows; the second run of the first play changes nothing."""
    guide = site.page(f"docs/{name}.md")
    assert len(guide.commands) > 0
    for command, shown in guide.commands.items():
        if command == REMOVE:
            continue
        said = site.run(guide, command)
        if shown.strip():
            assert said.strip() == shown.strip(), command
    if name == "start":
        again = site.run(guide, "ansible-playbook -i hosts.yml site.yml")
        assert re.search(r"^web1 +: ok=\d+ +changed=0 ", again, re.MULTILINE), again


def test_play_of_the_readme(site):
    """The README's second play runs in the container that the first one started, through the host of the third example."""
    readme = site.page("README.md", "readme")
    assert "index.html" in site.run(readme, "ansible-playbook -i hosts.yml inside.yml -v")


def test_removal(site):
    """The last step of the first page leaves no container, no volume of the page, and no image."""
    guide = site.page("docs/start.md")
    site._node.bring("moved", "absent")
    site.run(guide, REMOVE)
    assert site.run(guide, "slipway ps --all --quiet") == ""
    assert "web-pages" not in site.run(guide, "slipway volume ls --quiet")


def test_one_main_example(tree):
    """README and front page have the main example as the first guide has it."""
    [first] = re.findall(
        r"^```yaml\n# site\.yml\n.*?^```$", (tree / "docs/start.md").read_text(), re.MULTILINE | re.DOTALL
    )
    for page in ("README.md", "tests/docs/index.md"):
        assert first in (tree / page).read_text()
