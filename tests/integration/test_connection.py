# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection plugin as plays use it: what Ansible's own tasks need works, on this host and through another's connection."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from debianimage import DEPLOY_PASSWORD, ROOT_PASSWORD
from enginehost import eventually
from hybrid import without_hybrid
from inside import WAYS, Inside
from peercollections import peer_collections
from sshhost import PASSWORD, USER, sshd

#: A name with what shells, YAML and old programs stumble over.
NAMED = "- ü €'\"$(x);&*\\ .txt"
TEXT = "Zeile\n\ttab '\"\\ $HOME €ü\u2028 # no comment\n\n"
SCRIPT = '#!/bin/sh\necho $#\nfor word in "$@"; do echo "$word"; done\n'


@pytest.fixture
def work(tmp_path) -> dict[str, object]:
    """Return what the playbooks need: a directory with files and a tree, one for what comes back, and values."""
    work, seen = tmp_path / "work", tmp_path / "seen"
    for path in (work / "tree/sub dir", seen):
        path.mkdir(parents=True)
    (work / "a script.sh").write_text(SCRIPT)
    contents = {NAMED: b"\0\xff\n" * 99, "empty": b"", "large": random.Random(5).randbytes(3_000_001)}
    for name, content in contents.items():
        (work / name).write_bytes(content)
        (work / "tree" / name).write_bytes(content)
    (work / "tree/sub dir/ß").write_text("deep")
    blob = random.Random(6).randbytes(200_000) + bytes(range(256))
    return {
        "work": str(work),
        "seen": str(seen),
        "files": list(contents),
        "bytes": blob.hex(),
        "named": NAMED,
        "text": TEXT,
        "deploy_password": DEPLOY_PASSWORD,
        "root_password": ROOT_PASSWORD,
    }


def same_files(work: dict[str, object], there: Path) -> None:
    """Fail unless the files are in the container, and came back, as they are here."""
    for name in work["files"]:
        content = Path(work["work"], name).read_bytes()
        assert (there / name).read_bytes() == content, name
        assert Path(work["seen"], name).read_bytes() == content, name


def went_well(play, *hosts: str) -> None:
    """Fail unless the play came to its end on each of the hosts."""
    assert [each for each in play.failed if each[0] not in FAIL_ON_PURPOSE] == []
    assert sorted(task.host for task in play.tasks if task.name == "The end") == sorted(hosts)


#: Tasks that the playbooks look at after they have failed.
FAIL_ON_PURPOSE = [
    "A command that fails",
    "Sudo with a wrong password",
    "Sudo without the password that it wants",
]


@pytest.mark.parametrize("image", ["debian", "bare"])
@pytest.mark.parametrize("way", WAYS)
def test_without_python(inside, work, way, image):
    """Commands, scripts and files go in and out of any image that has a shell, byte by byte."""
    hosts = {image: inside.host(image, way)}
    went_well(inside.play("bare.yml", hosts, python=image == "debian", **work), image)
    same_files(work, inside.node.data(f"{image}-data"))


@pytest.mark.parametrize(("way", "pipelining"), [("local", False), ("nested", True)])
def test_modules(inside, work, way, pipelining):
    """Ansible's own modules work where the image has Python, with pipelining and without."""
    hosts = {"debian": inside.host("debian", way, ansible_pipelining=pipelining)}
    play = inside.play("modules.yml", hosts, nodename="debian-box", **work)
    there = inside.root("debian") / "srv/tree"
    compared = subprocess.run(["diff", "-r", f"{work['work']}/tree", there], check=False, capture_output=True)
    shutil.rmtree(there)
    went_well(play, "debian")
    assert compared.returncode == 0, compared.stdout
    assert Path(work["seen"], NAMED).read_bytes() == Path(work["work"], NAMED).read_bytes()


@pytest.mark.parametrize(("way", "pipelining"), [("local", True), ("local", False), ("nested", True)])
def test_become_inside(inside, work, way, pipelining):
    """Su and sudo work with and without a password; one that is wrong or missing is told."""
    hosts = {"debian": inside.host("debian", way, ansible_pipelining=pipelining)}
    went_well(inside.play("become.yml", hosts, **work), "debian")


@pytest.mark.parametrize("image", ["debian", "bare"])
def test_become_outside(inside, work, image):
    """The engine is reached through a user who is not root and has to give a password to sudo."""
    with sshd(USER) as host:
        outer = {**host.variables, "ansible_become": True, "ansible_become_password": PASSWORD}
        outer["ansible_python_interpreter"] = "/usr/bin/python3"
        hosts = {image: inside.host(image, "nested")}
        went_well(inside.play("bare.yml", hosts, outer=outer, python=image == "debian", **work), image)
    same_files(work, inside.node.data(f"{image}-data"))


def test_user_directory_and_environment(inside):
    """A host's variables say who runs its commands, where, and with what in the environment."""
    how = {"ansible_slipway_user": "app:extra", "ansible_slipway_workdir": "/var"}
    how["ansible_slipway_env"] = {"WORD": "two words", "PATH": "/bin"}
    command = 'id -un; id -gn; pwd; echo "$WORD"; env | grep -c SUDO'
    play = inside.play("raw.yml", {"bare": inside.host("bare", "local", **how)}, command=f"{command}; true")
    assert play["Command"]["stdout_lines"] == ["app", "extra", "/var", "two words", "0"]


def test_a_user_without_a_home(inside, tmp_path):
    """A number without an account can't write to /, and runs a script all the same."""
    script = tmp_path / "said.sh"
    script.write_text('#!/bin/sh\necho "$(id -u) $HOME $1"\n')
    host = inside.host("debian", "local", ansible_slipway_user="54321:54321")
    play = inside.play("raw.yml", {"debian": host}, command="true", script=f"{script} word")
    assert play["Script"].get("stdout_lines") == ["54321 / word"], play["Script"]


@pytest.mark.parametrize("way", WAYS)
def test_no_password_in_sight(inside, way):
    """No process on the host has a password in its arguments or its environment."""
    become = {"ansible_become": True, "ansible_become_password": DEPLOY_PASSWORD}
    hosts = {"debian": inside.host("debian", way, ansible_slipway_user="deploy", **become)}
    with inside.started("raw.yml", hosts, command="sleep 76543") as process:
        eventually(lambda: everywhere(b"sleep\x0076543"), "it sleeps in the container")
        assert everywhere(DEPLOY_PASSWORD.encode()) == []
        process.terminate()
    eventually(lambda: not everywhere(b"sleep\x0076543"), "it has ended")


def everywhere(wanted: bytes) -> list[str]:
    """Name every argument list and environment of a process that holds these bytes."""
    paths = [
        f"/proc/{pid}/{name}"
        for pid in os.listdir("/proc")
        if pid.isdigit()
        for name in ("cmdline", "environ")
    ]
    found = []
    for path in paths:
        with suppress(OSError):
            found += [path] if wanted in Path(path).read_bytes() else []
    return found


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_each_runtime(need, fresh_node, bare_archive, ssh_host, work, runtime):
    """The engine's runtimes are the same to a play."""
    need(shutil.which(runtime), runtime)
    with fresh_node() as node, without_hybrid(node.layout.cgroup_parent):
        node.load(bare_archive)
        inside = Inside(node, ssh_host)
        inside.start("bare", runtime=runtime)
        try:
            assert node.inspect("bare")["OCIRuntime"] == shutil.which(runtime)
            play = inside.play("bare.yml", {"bare": inside.host("bare", "local")}, python=False, **work)
            went_well(play, "bare")
            same_files(work, node.data("bare-data"))
        finally:
            node.clear(images=True)


def test_synchronize(need, inside, tree, tmp_path):
    """The action that would start rsync on its own is refused, with the reason."""
    need(importlib.util.find_spec("pip"), "pip")
    task = {"ansible.posix.synchronize": {"src": f"{tmp_path}/", "dest": "/tmp/"}}
    playbook = tmp_path / "play.json"
    playbook.write_text(json.dumps([{"hosts": "containers", "gather_facts": False, "tasks": [task]}]))
    settings = {"ANSIBLE_COLLECTIONS_PATH": f"{tree / '.build/collections'}:{peer_collections(tree)}"}
    play = inside.play(str(playbook), {"bare": inside.host("bare", "local")}, settings=settings)
    [(_name, why)] = play.failed
    assert "via slipway.oci.container instead so it cannot work" in why
