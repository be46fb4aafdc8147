# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/connection.md and docs/awx.md show is what their readers get."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator

import pytest
import yaml
from awx import PrivateData
from guide import Guide

import sshhost

FOREVER = ["sleep", "100000"]


@pytest.fixture(scope="module")
def connected(tree, need, fresh_node, debian, other_archive, tmp_path_factory) -> Iterator[Guide]:
    """Return the guide to connections with its files and containers, and this machine as web1, which is reached by SSH."""
    need(shutil.which("sshd") and shutil.which("sudo"), "sshd and sudo")
    guide = Guide((tree / "docs/connection.md").read_text(), tmp_path_factory.mktemp("guide"))
    guide.write()
    (guide.top / "app.conf.j2").write_text("host = {{ ansible_facts.hostname }}\n")
    with fresh_node() as node:
        for archive in (debian, other_archive):
            node.load(archive)
        for name, image in {"app": "debian", "box": "box", "still": "box", "gone": "box"}.items():
            wanted = {"image": f"localhost/{image}:1", "hostname": f"{name}-container"}
            told = node.task(
                "container", name=name, network="none", command=FOREVER, stop_timeout=0, **wanted
            )
            assert "failed" not in told, told
        node.bring("still", "paused")
        node.bring("gone", "stopped", stop_time=0)
        with sshhost.sshd(sshhost.USER) as login:
            settle(guide, node, login)
            yield guide
        node.bring("still", "started")


def settle(guide, node, login) -> None:
    """Say where all this is on this machine, in files beside those of the guide."""
    places = {f"ansible_slipway_{name}": place for name, place in node.where.items()}
    web1 = {**login.variables, "ansible_become_password": sshhost.PASSWORD, "ansible_user": sshhost.USER}
    for name, content in {"group_vars/all": places, "host_vars/web1": web1}.items():
        path = guide.top / f"{name}.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(content))
    for name in ("site.yml", "fresh.yml", "users.yml"):
        (guide.top / name).write_text(json.dumps(on(node, guide.files[name])))


def on(node, plays: str) -> list[dict[str, object]]:
    """Return plays of a guide, for the engine of this node."""
    defaults = {"group/slipway.oci.engine": node.where}
    return [{**play, "module_defaults": defaults} for play in yaml.safe_load(plays)]


def test_commands_of_the_guide_to_connections(connected):
    """Each command prints what the page shows."""
    assert len(connected.commands) == 2
    for command, shown in connected.commands.items():
        done = connected.run(command)
        assert (done.returncode, done.stdout.strip()) == (0, shown.strip()), done.stderr


@pytest.mark.parametrize("name", ["site.yml", "fresh.yml", "users.yml"])
def test_plays_of_the_guide_to_connections(connected, name):
    """Each play goes well, and changes nothing the second time."""
    playbook = f"ansible-playbook -i hosts.yml {name}"
    first = connected.run(playbook)
    assert first.returncode == 0, first.stdout + first.stderr
    second = connected.run(playbook)
    assert (second.returncode, "changed=0" in second.stdout, "changed=1" in second.stdout) == (0, True, False)


#: What the host of each error of the table is like.
ERRORS = {
    "no container named": {"ansible_host": "nosuch"},
    "is exited": {"ansible_host": "gone"},
    "is paused": {"ansible_host": "still"},
    "there is no agent": {"ansible_slipway_agent": "/nosuch"},
    "is not in the inventory": {"ansible_slipway_host": "web9"},
    "host web1:": {"ansible_slipway_host": "dead"},
}


def test_errors_of_the_guide_to_connections(connected):
    """Each error of the table is what is said in its case, and makes the host unreachable."""
    assert connected.rows("it says") == [*ERRORS]
    hosts = {f"case{number}": variables for number, variables in enumerate(ERRORS.values())}
    hosts["dead"] = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    cases = {"all": {"hosts": hosts, "vars": {"ansible_connection": "slipway.oci.container"}}}
    (connected.top / "cases.yml").write_text(yaml.safe_dump(cases))
    done = connected.run("ansible -i cases.yml -m ansible.builtin.raw -a true case*")
    for number, words in enumerate(ERRORS):
        [said] = re.findall(
            rf"^case{number} \| UNREACHABLE! => (\{{.*?^\}})", done.stdout, re.MULTILINE | re.DOTALL
        )
        assert words.replace("web1", "dead") in json.loads(said)["msg"]


@pytest.fixture
def awx(tree, tmp_path) -> Guide:
    """Return the guide to AWX, with its files written."""
    guide = Guide((tree / "docs/awx.md").read_text(), tmp_path)
    guide.write()
    return guide


def test_execution_environment_of_the_guide_to_awx(awx):
    """The commands that are shown go well: ansible-builder takes the definition."""
    assert list(awx.commands) == ["ansible-builder create"]
    done = awx.run("ansible-builder create")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "slipway.oci" in (awx.top / "context/_build/requirements.yml").read_text()


def test_jobs_of_the_guide_to_awx(awx, node, tree, archive):
    """The jobs go well: in check mode on a host where nothing is yet, for real without telling the secret, and with async."""
    variables = {"slipway_boot": False, "app_token": "nobody's business"}
    data = PrivateData(awx.top / "data", tree / ".build/collections", variables)
    for name in ("site.yml", "long.yml"):
        data.project(name, on(node, awx.files[name].replace("/srv/app.tar", str(archive))))
    checked = data.run("site.yml", "--check --diff")
    assert checked.status == "successful", checked.stdout
    assert "not_found" in checked.stdout
    assert (node.mounts(), node.files()) == ([], [])

    done = data.run("site.yml", "--diff -v")
    assert done.status == "successful", done.stdout
    assert variables["app_token"] not in done.stdout
    assert node.inspect("app")["State"]["Running"]
    waited = data.run("long.yml")
    assert (waited.status, waited.changed) == ("successful", set()), waited.stdout
