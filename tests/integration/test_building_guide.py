# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/building.md shows is what its readers get."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from guide import Guide

#: Changes of a stage: container, host, commit and removal, and what its role does.
BASE, WEB = 4 + 1, 4 + 3
PLAYBOOK = "ansible-playbook -i hosts.yml -i places.yml"


@pytest.fixture
def guide(tree, node, debian, tmp_path):
    """Return the page with its files, and this machine, which has the image that is built on, as the builder."""
    guide = Guide((tree / "docs/building.md").read_text(), tmp_path)
    guide.write()
    node.load(debian)
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    places = {f"ansible_slipway_{name}": place for name, place in node.where.items()}
    groups = {"builders": {"hosts": {"builder": local}}, "building": {"vars": places}}
    (tmp_path / "places.yml").write_text(yaml.safe_dump(groups))
    for name in ("image.yml", "stages.yml", "containerfile.yml"):
        plays = yaml.safe_load(guide.files[name])
        (tmp_path / name).write_text(
            json.dumps([{**play, "module_defaults": defaults(node)} for play in plays])
        )
    return guide


def defaults(node) -> dict[str, object]:
    """Return what leads all modules to the engine of this node."""
    return {"group/slipway.oci.engine": node.where}


def played(guide, name: str, **settings: str) -> tuple[int, str]:
    """Run a play, and return how many tasks of the builder's have changed something, and what is said."""
    done = guide.run(f"{PLAYBOOK} {name}", **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    (changed,) = re.findall(r"^builder +: ok=\d+ +changed=(\d+) .*failed=0", done.stdout, re.MULTILINE)
    return int(changed), done.stdout


def shown(node, name: str) -> dict[str, object]:
    """Return an image, {} for none."""
    (shape,) = node.task("image_info", name=[name])["images"] or [{}]
    return shape


def test_one_image(guide, node):
    """The play makes the image, with what the role has done and what the task says, and changes nothing the second time."""
    assert played(guide, "image.yml")[0] == 2
    shape = shown(node, "localhost/web:1")
    config = shape["Config"]
    assert (config["User"], config["Cmd"][0], config["ExposedPorts"]) == (
        "web",
        "/usr/bin/python3",
        {"8000/tcp": {}},
    )
    assert shape["History"][-1]["comment"] == "the pages"
    again, said = played(guide, "image.yml")
    assert (again, "changed=1" in said) == (0, False)
    assert shown(node, "localhost/web:1")["Id"] == shape["Id"]
    node.bring("web-build", "absent", stop_time=0)
    look = "id -u; cat /srv/index.html; ls -A /tmp /usr/share/man; ls -A ~root"
    node.start("sh", "-c", look, name="look", image="localhost/web:1")
    node.ended("look")
    out, err = node.log("look")
    assert out.splitlines()[:3] == ["900", "hello", "/tmp:"]
    assert ".ansible" not in out
    assert "No such file" in err


def test_stages(guide, node):
    """Both stages are built once; a role that changes has its own stage built, and what stands on it; the way back is a hit."""
    assert played(guide, "stages.yml")[0] == BASE + WEB
    first = [shown(node, name)["Id"] for name in ("localhost/base:1", "localhost/web:2")]
    assert played(guide, "stages.yml")[0] == 0
    role = guide.top / "roles/web/tasks/main.yml"
    before = role.read_text()
    role.write_text(before.replace("hello", "goodbye"))
    assert played(guide, "stages.yml")[0] == WEB
    second = [shown(node, name)["Id"] for name in ("localhost/base:1", "localhost/web:2")]
    assert (second[0] == first[0], second[1] == first[1]) == (True, False)
    role.write_text(before)
    assert played(guide, "stages.yml")[0] == 1
    assert shown(node, "localhost/web:2")["Id"] == first[1]
    base = guide.top / "roles/base/tasks/main.yml"
    base.write_text(base.read_text().replace("0755", "0750"))
    assert played(guide, "stages.yml")[0] == BASE + WEB
    assert {shown(node, name)["Id"] for name in ("localhost/base:1", "localhost/web:2")} & {*first} == set()


def test_containerfile(guide, node, need):
    """What buildah has built is loaded."""
    need(shutil.which("buildah"), "buildah")
    (guide.top / "pages").mkdir()
    (guide.top / "pages/index.html").write_text("hello\n")
    (guide.top / "pages/Containerfile").write_text("FROM scratch\nCOPY index.html /\n")
    storage = guide.top / "storage.conf"
    storage.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{guide.top}/store"\nrunroot = "{guide.top}/run"\n'
    )
    settings = {"CONTAINERS_STORAGE_CONF": str(storage), "BUILDAH_ISOLATION": "chroot"}
    assert played(guide, "containerfile.yml", **settings)[0] == 2
    assert shown(node, "localhost/pages:1")["RepoTags"] == ["localhost/pages:1"]
    assert played(guide, "containerfile.yml", **settings)[0] == 0
    subprocess.run(
        ["buildah", "rmi", "--all", "--force"],
        check=True,
        env={**settings, "PATH": "/usr/bin:/bin:/usr/sbin"},
    )


def test_a_containerfile_is_refused(node):
    """Module image_build says what builds an image, in check mode too, and makes no engine for that."""
    for check in (False, True):
        told = node.task(
            "image_build", check=check, name="localhost/app:1", path="/srv/app", args={"A": "s3cret"}
        )
        assert (told["failed"], told["error"]) == (True, "not_built_yet")
        assert "buildah build" in told["msg"]
        assert "container_commit" in told["msg"]
        assert "s3cret" not in json.dumps(told["msg"])
    assert node.files() == []
