# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as AWX runs them: what they do, what is left when they are cancelled, and what they tell nobody."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from glob import glob
from pathlib import Path

import pytest
from awx import BY_RUNNER, WITH_ALL, PrivateData

from dockerarchive import Program, busybox_layer, layer, write_archive

IMAGE = "localhost/app:1"
#: Says when it is asked to end, and takes its time.
SERVER = b"""#!/bin/sh
echo "serving in mode $MODE"
trap 'touch /asked; sleep 1; exit 0' TERM
while :; do sleep 1 & wait $!; done
"""
#: So much that unpacking it, filling a volume with it and copying it each take a while.
CONTENT = {f"data/{number // 100}/{number}": b"%d\n" % number * 500 for number in range(3000)}


@pytest.fixture(scope="module")
def large(archive, busybox, tmp_path_factory):
    """Return the archive of an image whose content takes a while; ``archive`` has looked for what that needs."""
    return write_archive(
        tmp_path_factory.mktemp("large") / "app.tar",
        IMAGE,
        [busybox_layer(busybox), layer({"bin/server": Program(SERVER), **CONTENT})],
    )


@pytest.fixture
def data(node, tree, archive, tmp_path):
    """Return a private data directory whose extra variables are those of the demo, for an engine of its own."""
    extravars = {
        "slipway_archive": str(archive),
        "slipway_boot": False,
        **{f"slipway_{name}": place for name, place in node.where.items()},
    }
    return PrivateData(tmp_path / "data", tree / ".build/collections", extravars)


def test_main_job(apart, node, data):
    """The main job runs once, is unchanged the second time, and in check mode tells a change and makes none."""
    data.project("site.yml", [{"import_playbook": "slipway.oci.demo"}])
    first = data.run("site.yml")
    assert first.status == "successful", first.stdout
    assert first.changed == {"Load the image", "Create the volume", "Run the container"}

    second = data.run("site.yml")
    assert (second.status, second.changed) == ("successful", set())

    before = state(node)
    checked = data.run("site.yml", "--check --diff -e slipway_mode=testing")
    assert (checked.status, checked.changed) == ("successful", {"Run the container"})
    assert "env.MODE" in checked.stdout
    assert state(node) == before


def state(node) -> tuple[object, ...]:
    """Return all that a job in check mode could change, apart from what the container itself starts and ends."""
    files = node.state()
    del files["kernel"]
    return files, node.mounts(), node.inspect("app")


def job(files: Path) -> list[dict[str, object]]:
    """Return a play in which each task is about something that takes a while."""
    container = {
        "image": IMAGE,
        "command": ["/bin/server"],
        "volume": ["app-data:/data"],
        "env": {"MODE": "{{ mode | default('production') }}"},
        "network": "none",
    }
    slow = {"argv": ["sh", "-c", "touch /tmp/began; sleep 1; touch /tmp/done"], "creates": "/tmp/done"}
    where = {name: f"{{{{ slipway_{name} }}}}" for name in ("root", "run_root")}
    tasks = [
        {"name": "image", "slipway.oci.image_load": {"input": "{{ large }}"}},
        {"name": "container", "slipway.oci.container": {"name": "app", **container}},
        {
            "name": "files",
            "slipway.oci.container_copy": {"container": "app", "src": f"{files}/", "dest": "/srv"},
        },
        {"name": "command", "slipway.oci.container_exec": {"name": "app", **slow}},
    ]
    defaults = {"group/slipway.oci.engine": where}
    return [{"hosts": "all", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}]


#: The moments of a job in their order: which task is at work, with which mode, and what there is then on the host.
UNPACKING = ("image", "production", "{root}/staging/*")
FILLING = ("container", "production", "{root}/volumes/*/.copyup-*")
STARTING = ("container", "production", "{run_root}/oci/*/state.json")
COPYING = ("files", "production", "{root}/containers/*/upper/srv/*")
RUNNING = ("command", "production", "{root}/containers/*/upper/tmp/began")
REPLACING = ("container", "testing", "{root}/containers/*/upper/asked")


@pytest.mark.parametrize(
    ("how", "moments"),
    [
        (BY_RUNNER, [UNPACKING, FILLING, REPLACING]),
        (WITH_ALL, [UNPACKING, FILLING, STARTING, COPYING, RUNNING, REPLACING]),
    ],
)
def test_cancelled_jobs(node, data, large, how, moments):
    """A job that is cancelled at any moment leaves nothing that the next does not put right, so each gets further."""
    subprocess.run(["tar", "-xf", "-", "-C", data.top / "project"], input=layer(CONTENT), check=True)
    data.project("site.yml", job(data.top / "project/data"))
    for task, mode, sign in moments:
        place, words = sign.format(**node.where), f"-e large={large} -e mode={mode}"
        cancelled = data.cancel("site.yml", lambda place=place: glob(place), how, words)
        assert (cancelled.status, task in cancelled.done) == ("canceled", False), cancelled.stdout
        if how == BY_RUNNER:  # the task has come to its end, with nobody to hear of it
            assert unfinished(node) == []
    last = data.run("site.yml", words)
    assert (last.status, "container" in last.changed) == ("successful", how == WITH_ALL), last.stdout
    assert unfinished(node) == []

    shape = node.inspect("app")
    assert (shape["State"]["Status"], "MODE=testing" in shape["Config"]["Env"]) == ("running", True)
    container = node.layout.container(shape["Id"])
    merged = container.merged
    assert sorted(node.mounts()) == [f"mount {place}" for place in (merged, container.files, container.shm)]
    assert files(node.data("app-data")) == files(Path(merged, "srv")) == files(data.top / "project/data")


def unfinished(node) -> list[str]:
    """Return what the engine is making or deleting, and the containers that are neither running nor asked to be otherwise."""
    listed = json.loads(node.agent("ps", "--all", "--json").stdout)
    odd = [shape["Name"] for shape in listed if shape["State"]["Status"] != "running"]
    return [*odd, *os.listdir(node.layout.staging), *glob(f"{node.layout.volumes}/*/.*")]


def files(top: Path) -> dict[str, bytes]:
    """Return the content of each file below a directory."""
    return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}


#: In the vault of the project, and the password of that, which AWX keeps in a credential.
TOKEN, PASSWORD = "token-of-the-application", "password-of-the-vault"


def secretive() -> list[dict[str, object]]:
    """Return a play whose tasks use a secret of the vault in each way there is, and say so with no_log."""
    where = {name: f"{{{{ slipway_{name} }}}}" for name in ("root", "run_root")}
    tell = ["sh", "-c", "echo $TOKEN; exit 3"]
    container = {"name": "app", "image": IMAGE, "command": ["/bin/server"], "network": "none", "stop_time": 0}
    tasks = [
        {"name": "image", "slipway.oci.image_load": {"input": "{{ slipway_archive }}"}},
        {"name": "given", "slipway.oci.container": {**container, "env": {"TOKEN": "{{ token }}"}}},
        {"name": "rotated", "slipway.oci.container": {**container, "env": {"TOKEN": "{{ token }}-2"}}},
        {
            "name": "heard",
            "slipway.oci.container_exec": {"name": "app", "command": "cat", "stdin": "{{ token }}"},
        },
        {"name": "told", "slipway.oci.container_exec": {"name": "app", "argv": tell}, "ignore_errors": True},
        {
            "name": "written",
            "slipway.oci.container_file": {"container": "app", "path": "/token", "content": "{{ token }}"},
        },
        # Ansible shows the message of a failed task in spite of no_log.
        {
            "name": "failed",
            "slipway.oci.container": {
                **container,
                "name": "bad",
                "command": tell,
                "env": {"TOKEN": "{{ token }}"},
                "wait": True,
            },
            "ignore_errors": True,
        },
        {"name": "asked", "slipway.oci.container_info": {"name": "app"}},
    ]
    for task in tasks[1:]:
        task["no_log"] = True
    return [{"hosts": "all", "module_defaults": {"group/slipway.oci.engine": where}, "tasks": tasks}]


def test_secrets(node, data, tmp_path):
    """What tasks with no_log are given, and what they answer, is in nothing that is kept of a job."""
    data.project("site.yml", secretive())
    data.vault("group_vars/all.yml", {"token": TOKEN}, PASSWORD)
    job = data.run("site.yml", "--ask-vault-pass --diff -vvv")
    assert job.status == "successful", job.stdout
    assert job.done == {"Gathering Facts", "image", "given", "rotated", "heard", "written", "asked"}
    pid = node.inspect("app")["State"]["Pid"]
    assert f"TOKEN={TOKEN}-2\0".encode() in Path(f"/proc/{pid}/environ").read_bytes()

    kept = [path for name in ("artifacts", "tmp") for path in (data.top / name).rglob("*") if path.is_file()]
    assert {"command", "stdout"} <= {path.name for path in kept}
    assert {"facts", "job_events"} <= {path.parent.name for path in kept}
    secrets = [spelling for secret in (TOKEN, PASSWORD) for spelling in spellings(secret.encode())]
    assert [path for path in kept if any(secret in path.read_bytes() for secret in secrets)] == []
    assert "container_failed; no_log hides" in job.stdout
    assert TOKEN not in "".join(node.processes())


def spellings(secret: bytes) -> list[bytes]:
    """Return the secret as it is, and what it is in base64 wherever it stands in a text."""
    encoded = [base64.b64encode(b"x" * before + secret) for before in range(3)]
    # The first and the last four letters also depend on what stands beside it.
    return [secret, *(text[4:-4] for text in encoded)]
