# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of every module's documentation run as they stand, those of the filter and the tests too."""

from __future__ import annotations

import importlib
import json
import os
import shutil
from collections import Counter

import pytest
import yaml

import registries
from dockerarchive import layer

PLUGINS = "ansible_collections.slipway.oci.plugins"
#: Later examples stand on what earlier ones made.
ORDER = (
    "login image image_push logout image_load image_import image_info volume volume_info network network_info"
    " container container_exec container_info container_copy container_file container_diff container_mount"
    " container_export container_commit image_cache image_build volume_content volume_export volume_import"
    " volume_snapshot events_info engine_info image_tag image_save image_remove"
).split()
PASSWORD = "secret-of-bob"
#: tests/vm does what these do, on a kernel that CRIU knows.
ELSEWHERE = ["container_checkpoint", "container_restore"]
#: These clear away, and have a test of their own, which leaves them something.
CLEARING = ["image_prune", "prune", "store_check"]
#: These do something each time, as their words say.
EACH_TIME = {
    "Run a command, wait for it, and register its output",
    "Restart it, whatever its state",
    "Restart it",
    "Create a snapshot and keep the last seven",
    "Fill it from the image again, and keep the previous content as a snapshot",
}


def examples(name: str, kind: str = "modules") -> list[dict[str, object]]:
    """Return the example tasks of a module, or of a plugin of another kind."""
    return yaml.safe_load(importlib.import_module(f"{PLUGINS}.{kind}.{name}").EXAMPLES)


def test_every_module_is_in_the_order(tree):
    """A module that is added has its examples run here, and they show it."""
    assert sorted(ORDER + CLEARING + ELSEWHERE) == sorted(
        path.stem for path in tree.glob("plugins/modules/*.py")
    )
    for module in ORDER + CLEARING:
        assert any(f"slipway.oci.{module}" in task for task in examples(module)), module


@pytest.fixture
def published(need, archive, tmp_path, monkeypatch):
    """Return what stands before the names of images in a registry that has those of the examples."""
    need(
        registries.is_there() and shutil.which("skopeo"),
        "docker-registry, unpacked by tests/setup.yml, and skopeo",
    )
    # What the host keeps of its own is none of a test's business.
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "usual.json"))
    with registries.registry(tmp_path / "registry", users={"bob": PASSWORD}) as there:
        for tag in ("1", "edge"):
            there.push(f"docker-archive:{archive}", f"team/app:{tag}", f"--dest-creds=bob:{PASSWORD}")
        yield there.address


def test_examples_run(apart, node, archive, published, tmp_path):
    """Each example goes well, and right after it the same again changes nothing, unless its words say so."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/file").write_text("content\n")
    once = [task for module in ORDER for task in examples(module)]
    text = json.dumps([_reachable(task) for task in once for _time in range(1 if looks(task) else 2)])
    text = text.replace("registry.example", published).replace("{{ registry_password }}", PASSWORD)
    places = {"/srv/app.tar": archive, "/srv/tree": tmp_path / "tree", "/srv/app-files": tmp_path / "files"}
    places |= {"/srv/conf": tmp_path / "tree", "/srv/from-app": tmp_path / "out"}
    places |= {"/srv/app-data": tmp_path / "data", "/srv/all.tar": archive}
    places |= {"/srv/app-saved.tar": tmp_path / "saved.tar", "/srv/site.tar": tmp_path / "site.tar"}
    places |= {"/srv/auth.json": tmp_path / "auth.json"}
    node.volume("app-seed")  # no container that runs has it
    for place, ours in places.items():
        text = text.replace(place, str(ours))
    written = json.loads(text)
    play = node.play(*written)
    assert play.failed == []
    assert [task.name for task in play.tasks] == [task["name"] for task in written]
    changes = Counter(task.name for task in play.tasks if task.changed)
    assert {name for name, times in changes.items() if times == 2} == EACH_TIME
    assert list(changes) == [task["name"] for task in once if not looks(task)]


def test_examples_that_clear_away(apart, node):
    """Each takes what there is for it, and the same again right after it changes nothing."""
    for number in range(5):
        node.build(f"registry.example/team/app:{number}", layer({"x": b"%d" % number}))
    for content in (b"old", b"new"):
        node.build("localhost/again:1", layer({"x": content}))
    node.build("localhost/test:1", layer({"x": b"test"}), Labels={"stage": "test"})
    node.network("free", subnet="10.97.5.0/24")
    node.volume("test", labels={"stage": "test"})
    before = [task for module in CLEARING[:1] for task in examples(module)]
    play = node.play(*[task for task in before for _time in range(2)])
    assert play.failed == []
    assert [task.changed for task in play.tasks] == [True, False] * len(before)
    os.mkdir(f"{node.layout.layers}/lost+found")
    after = [task for module in CLEARING[1:] for task in examples(module)]
    node.build("localhost/unused:1", layer({"x": b"unused"}))
    play = node.play(*[task for task in after for _time in range(2)])
    assert play.failed == []
    assert {task.name for task in play.tasks if task.changed} == {
        task["name"] for task in after if task["name"] != "Verify the image store"
    }
    assert [task.changed for task in play.tasks].count(True) == len(after) - 1


def _reachable(task: dict[str, object]) -> dict[str, object]:
    """Return a task that takes the tests' registry, which has no certificate."""
    pulls = ("slipway.oci.image", "slipway.oci.image_push", "slipway.oci.login")
    return {key: {**value, "tls_verify": False} if key in pulls else value for key, value in task.items()}


def looks(task: dict[str, object]) -> bool:
    """Tell whether an example only looks, and so never changes anything."""
    return task.get("changed_when") is False or any(
        word.endswith(("_info", "_diff", "_build")) for word in task
    )


def test_examples_of_filter_and_tests(ready):
    """What the examples of the filter and of the tests say is so."""
    ready.start(
        "sleep", "1000", name="app", label={"tier": "web"}, healthcheck="true", healthcheck_interval="1s"
    )
    tasks = [*examples("healthy", "test"), *examples("running", "test"), *examples("query", "filter")]
    play = ready.play(*tasks)
    assert play.failed == []
    assert play["Report that it is running"]["msg"] == "app runs"
    running = ("List the running containers", "List the names of running containers")
    assert [play[name]["msg"] for name in running] == [["app"]] * 2
    assert play["List the containers of one tier, newest first"]["msg"] == ["app"]
    assert play["List the volumes of each container with their mount points"]["msg"] == [
        {"name": "app", "mounts": []}
    ]
