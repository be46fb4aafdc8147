# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers of real engines as inventories, as ansible-inventory shows them."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sshhost import PASSWORD, USER, sshd

PLUGIN = "slipway.oci.containers"
#: Names that are not in an environment that a person has, as AWX sets them, and those that say what is read.
SETTINGS = {"ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_DEPRECATION_WARNINGS": "false"}


@dataclass(frozen=True)
class Inventories:
    """A directory with inventory sources, for a host with these containers."""

    node: Any
    top: Path

    def write(self, name: str = "c.slipway.yml", **options: Any) -> Path:
        """Write a source of the containers."""
        where = {"root": self.node.layout.root, "run_root": self.node.layout.run_root}
        path = self.top / name
        path.write_text(yaml.safe_dump({"plugin": PLUGIN, **where, **options}))
        return path

    def hosts(self, *lines: str, name: str = "hosts.ini") -> Path:
        """Write a source of hosts, which are this machine unless a line says otherwise."""
        path = self.top / name
        path.write_text("\n".join([*lines, "[all:vars]", "ansible_connection=local"]))
        return path

    def run(
        self, *words: str, program: str = "ansible-inventory", **settings: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of Ansible's in the directory."""
        return subprocess.run(
            [program, *words],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.top,
            timeout=120,
            env={**os.environ, **SETTINGS, "ANSIBLE_LOCAL_TEMP": str(self.top / "tmp"), **settings},
        )

    def list(self, *sources: str | Path, **settings: str) -> dict[str, Any]:
        """Return what these sources list."""
        words = _sources(sources)
        done = self.run("--list", *words, ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="true", **settings)
        assert done.returncode == 0, done.stderr
        return {**json.loads(done.stdout, object_hook=_text), "warnings": " ".join(done.stderr.split())}

    def ansible(self, host: str, module: str, arguments: str, *sources: str | Path) -> str:
        """Run one task on a host of these sources, and return what is printed."""
        words = _sources(sources)
        done = self.run(host, "-m", f"ansible.builtin.{module}", "-a", arguments, *words, program="ansible")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def names(self, **options: Any) -> set[str]:
        """Return the names of the containers that a source lists."""
        return set(self.list(self.write(**options))["_meta"]["hostvars"])

    def refused(self, *sources: str | Path) -> str:
        """Return why a source can't be read."""
        words = _sources(sources)
        done = self.run("--list", *words, ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="true")
        assert done.returncode, done.stdout
        return " ".join(done.stderr.split())


def _sources(sources: Sequence[str | Path]) -> list[str]:
    return [word for source in sources for word in ("-i", str(source))]


def _text(value: dict[str, Any]) -> Any:
    """Return a text that ansible-inventory has marked as data, or a mapping as it is."""
    return value.get("__ansible_unsafe", value)


@pytest.fixture(scope="module")
def populated(fresh_node, archive):
    """Return a host with a container that runs and is healthy, one that is paused, one that has ended, a fresh one."""
    with fresh_node() as node:
        node.load(archive)
        check = {"healthcheck": "true", "healthcheck_interval": "disable"}
        node.start(
            "sleep",
            "1000",
            name="web",
            label={"tier": "front", "odd": "{{ 1 + 1 }}", "team": "blue"},
            **check,
        )
        node.start(
            "sleep", "1000", name="db", label={"tier": "back", "team": "blue"}, env={"PASSWORD": "hunter2"}
        )
        node.bring("db", "paused")
        node.start("sleep", "0", name="once")
        node.ended("once")
        node.want("created", "sleep", "1", name="new-one", label={"tier": "front"}, network=["host"])
        node.agent("healthcheck", "run", "web")
        yield node


@pytest.fixture
def inventories(populated, tmp_path):
    """Return an empty directory for inventory sources of that host."""
    return Inventories(populated, tmp_path)


def test_list(inventories):
    """All containers are hosts with the variables of the connection; a label is data; nothing changes; no secret is shown."""
    before = inventories.node.state()
    listed = inventories.list(inventories.write())
    assert inventories.node.state() == before
    hosts = listed["_meta"]["hostvars"]
    assert set(hosts) == set(listed["slipway_containers"]["hosts"]) == {"web", "db", "once", "new-one"}
    web = hosts["web"]
    facts = web.pop("slipway_container")
    assert web == {
        "ansible_connection": "slipway.oci.container",
        "ansible_host": "web",
        "ansible_slipway_root": inventories.node.layout.root,
        "ansible_slipway_run_root": inventories.node.layout.run_root,
        "slipway_address": "",
        "slipway_host": "localhost",
        "slipway_ports": {},
    }
    assert facts["State"]["Health"]["Status"] == "healthy"
    assert facts["Config"]["Labels"]["odd"] == "{{ 1 + 1 }}"
    assert "hunter2" not in json.dumps(listed)
    shown = inventories.list(inventories.write(env=True))["_meta"]["hostvars"]["db"]["slipway_container"]
    assert "PASSWORD=hunter2" in shown["Config"]["Env"]


def test_labels_are_no_templates(inventories):
    """What a label says is never evaluated, neither as a variable nor as what a composed variable is made of."""
    here = {"ansible_connection": "'local'"}
    source = inventories.write(compose={"odd": "slipway_container.Config.Labels.odd", **here})
    assert "{{ 1 + 1 }}" in inventories.ansible("web", "debug", "var=odd", source)


FILTERS = [
    ({"status": "running"}, {"web"}),
    ({"status": ["paused", "exited"]}, {"db", "once"}),
    ({"label": "tier"}, {"web", "db", "new-one"}),
    ({"label": ["tier=front", "odd"]}, {"web"}),
    ({"image": "app"}, {"web", "db", "once", "new-one"}),
    ({"image": "localhost/app:2"}, set()),
    ({"name": "^(db|w.b)$"}, {"web", "db"}),
    ({"network": "host"}, {"new-one"}),
    ({"health": "healthy"}, {"web"}),
    ({"health": "none", "status": ["running", "paused"]}, {"db"}),
]


def test_filters(inventories):
    """Each filter leaves the containers that podman's would; several have to be passed all."""
    sources = [
        inventories.write(f"{number}.slipway.yml", filters=each, group=f"g{number}")
        for number, (each, _names) in enumerate(FILTERS)
    ]
    listed = inventories.list(*sources)
    found = [set(listed.get(f"g{number}", {}).get("hosts", [])) for number in range(len(FILTERS))]
    assert found == [names for _each, names in FILTERS]


def test_query(inventories):
    """A query chooses among what has passed the filters."""
    query = "sort_by([?Config.Labels.tier == 'front'], &Created)[-1:]"
    assert inventories.names(query=query) == {"new-one"}
    assert inventories.names(query=query, filters={"status": "running"}) == {"web"}
    assert inventories.names(query="[?Name == 'none'] | [0]") == set()


def test_constructed(inventories):
    """Groups by keys and conditions, and composed variables, are Ansible's; strict makes an error of what others pass over."""
    made = {
        "keyed_groups": [{"key": "slipway_container.Config.Labels.tier", "prefix": "tier"}],
        "groups": {"unready": "slipway_container.State.Status == 'created'"},
        "compose": {"ansible_slipway_user": "'app' if slipway_container.State.Running else 'root'"},
    }
    listed = inventories.list(inventories.write(**made))
    assert (set(listed["tier_front"]["hosts"]), listed["tier_back"]["hosts"]) == ({"web", "new-one"}, ["db"])
    assert listed["unready"]["hosts"] == ["new-one"]
    assert listed["_meta"]["hostvars"]["web"]["ansible_slipway_user"] == "app"
    assert "tier" in inventories.refused(inventories.write(**made, strict=True))


def test_examples(inventories):
    """The examples of the plugin's documentation are read as they stand, and find what they say."""
    texts = importlib.import_module("ansible_collections.slipway.oci.plugins.inventory.containers").EXAMPLES
    running, blue, newest = yaml.safe_load_all(texts)
    del running["plugin"], blue["plugin"], newest["plugin"]
    assert inventories.names(**running) == inventories.names(**newest) == {"web"}
    hosts = inventories.hosts("[webservers]", "web1", "web9", "[databases]", "db1")
    listed = inventories.list(hosts, inventories.write(**blue))
    assert listed["tier_back"]["hosts"] == ["web1-db", "db1-db"]
    assert listed["host_db1"]["hosts"] == ["db1-web", "db1-db"]
    assert listed["_meta"]["hostvars"]["db1-web"]["ansible_slipway_user"] == "root"


def test_graph_and_export(inventories):
    """The graph shows groups and containers; what AWX asks for, the export of a directory, has hosts and containers."""
    source = str(inventories.write(keyed_groups=[{"key": "slipway_container.State.Status", "separator": ""}]))
    graph = inventories.run("--graph", "-i", source).stdout
    assert "@running:\n  |  |--web\n" in graph
    directory = inventories.top / "inventory"
    directory.mkdir()
    inventories.hosts("[machines]", "web1", "web2", name="inventory/10-hosts.ini")
    inventories.write(
        "inventory/20.slipway.yml", hosts=["machines"], host_prefix=True, filters={"name": "web"}
    )
    exported = json.loads(inventories.run("--list", "--export", "-i", "inventory").stdout, object_hook=_text)
    assert exported["_meta"]["hostvars"]["web2-web"]["ansible_connection"] == "slipway.oci.container"
    assert exported["_meta"]["hostvars"]["web2-web"]["ansible_slipway_host"] == "web2"
    assert exported["slipway_containers"]["hosts"] == ["web1-web", "web2-web"]


def test_cache(inventories):
    """A second run asks no host; what it chooses and groups may be other than in the first; a flush asks anew."""
    log = inventories.top / "asked"
    agent = inventories.top / "agent"
    agent.write_text(f'#!/bin/sh\necho >> {log}\nexec {inventories.node.layout.agent_program} "$@"\n')
    agent.chmod(0o755)
    cache = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(inventories.top / "cache"),
    }
    assert len(inventories.names(agent=str(agent), **cache)) == 4
    assert inventories.names(agent=str(agent), **cache, filters={"status": "paused"}) == {"db"}
    assert log.read_text() == "\n"
    done = inventories.run("--list", "--flush-cache", "-i", "c.slipway.yml")
    assert (done.returncode, log.read_text()) == (0, "\n\n")
    assert inventories.names(agent=str(agent), env=True, **cache)
    assert log.read_text() == "\n\n\n"
    kept = "".join(path.read_text() for path in (inventories.top / "cache").iterdir())
    assert "hunter2" in kept


def test_names(inventories):
    """Two things of one name never become one: not on two hosts, not with a host of that name; a prefix keeps them apart."""
    hosts = inventories.hosts("here", "web1")
    source = inventories.write(hosts=["localhost", "here"], filters={"name": "web"})
    assert "there is a container web on localhost and on here: set host_prefix: true" in inventories.refused(
        hosts, source
    )
    taken = inventories.hosts("web", name="taken.ini")
    source = inventories.write(filters={"name": "web"})
    assert "the container web on localhost has the name of another host" in inventories.refused(taken, source)
    source = inventories.write(hosts=["localhost", "here"], filters={"name": "web"}, host_prefix=True)
    listed = inventories.list(hosts, source)["_meta"]["hostvars"]
    assert set(listed) - {"here", "web1"} == {"localhost-web", "here-web"}
    assert listed["here-web"]["ansible_slipway_host"] == listed["here-web"]["slipway_host"] == "here"
    assert "ansible_slipway_host" not in listed["localhost-web"]
    (name,) = inventories.names(hostname="id", filters={"name": "web"})
    assert inventories.node.inspect("web")["Id"].startswith(name)


def test_a_host_by_ssh(need, inventories):
    """A host is reached as its variables say, which may be templates: by ssh, as a user who becomes root by a password."""
    need(shutil.which("sshd") and shutil.which("sudo"), "sshd and sudo")
    with sshd(USER) as host:
        become = {"ansible_become": True, "ansible_become_password": "{{ word }}", "word": PASSWORD}
        group = {"hosts": {"web1": host.variables}, "vars": become}
        (inventories.top / "hosts.yml").write_text(yaml.safe_dump({"webservers": group}))
        source = inventories.write(hosts=["webservers"])
        listed = inventories.list("hosts.yml", source)
        said = inventories.ansible("web", "raw", "echo in $(cat /etc/passwd)", "hosts.yml", source)
    assert listed["warnings"] == ""
    assert set(listed["slipway_containers"]["hosts"]) == {"web", "db", "once", "new-one"}
    web = listed["_meta"]["hostvars"]["web"]
    assert (web["ansible_slipway_host"], web["slipway_host"]) == ("web1", "web1")
    assert PASSWORD not in json.dumps(web)
    assert "in root:x:0:0:root:/:/bin/sh\n" in said  # all that the image's file has


def test_hosts_are_asked_at_once(inventories):
    """Hosts are asked side by side: each answer here waits until all have been asked, and one of them has a broken variable."""
    agent = inventories.top / "agent"
    asked = inventories.top / "asked"
    asked.mkdir()
    agent.write_text(
        f"#!/bin/sh\nmktemp {asked}/XXXXXX >&2\nn=0\n"
        f"until [ $(ls {asked} | wc -l) = 3 ]; do sleep 0.01; n=$((n + 1)); [ $n -lt 1000 ] || exit 1; done >&2\n"
        f'exec {inventories.node.layout.agent_program} "$@"\n'
    )
    agent.chmod(0o755)
    hosts = inventories.hosts("one", "two", "three", "four ansible_become='{{ nosuch }}'")
    options = {"agent": str(agent), "host_prefix": True, "filters": {"name": "web"}}
    listed = inventories.list(hosts, inventories.write(hosts=["all"], **options))
    assert listed["slipway_containers"]["hosts"] == ["one-web", "two-web", "three-web"]
    assert "of four are not in the inventory: " in listed["warnings"]
    assert "nosuch" in listed["warnings"]


def test_hosts_without_an_answer(inventories):
    """A host that can't be reached, or has no agent, is a warning that says what to do; or the end, if that is asked for."""
    hosts = inventories.hosts("here", "gone ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1")
    source = inventories.write(hosts=["all"], host_prefix=True)
    listed = inventories.list(hosts, source)
    assert "here-web" in listed["slipway_containers"]["hosts"]
    assert "The containers of gone are not in the inventory" in listed["warnings"]
    why = inventories.refused(hosts, inventories.write(hosts=["all"], host_prefix=True, unreachable="fail"))
    assert "gone: " in why
    nowhere = inventories.list(inventories.write(root=f"{inventories.top}/nowhere"))
    assert f"no engine named '{inventories.top}/nowhere'" in nowhere["warnings"]
    wrong = inventories.list(inventories.write(agent=f"{inventories.top}/nowhere/slipway"))
    assert f"there is no agent {inventories.top}/nowhere/slipway" in wrong["warnings"]
    assert not (inventories.top / "nowhere").exists()


REFUSED = [
    ({"filters": {"state": "running"}}, "filters: there is none named 'state'"),
    ({"query": "[?State.Running"}, "query: the query fails: it ends too early"),
    ({"query": "[].Name"}, "query: it must return containers of the list"),
    ({"hosts": ["nobody"]}, "hosts: nobody matches no host"),
    ({"hostname": "ip"}, "hostname"),
]


def test_what_is_refused(inventories):
    """A slip in a source is an error that tells the option and what is wrong."""
    for number, (options, why) in enumerate(REFUSED):
        assert why in inventories.refused(inventories.write(f"{number}.slipway.yml", **options))
    assert "could not be verified" in inventories.refused(inventories.write("containers.yml"))
