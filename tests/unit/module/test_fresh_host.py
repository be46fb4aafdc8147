# SPDX-License-Identifier: GPL-3.0-or-later
"""In check mode, a missing object that an earlier task could create causes only a warning."""

from __future__ import annotations

import os

import pytest

UNLESS = "a real run would fail unless an earlier task brings it"
BOX = {"name": "app", "image": "app", "pull": "never", "network": ["none"]}
#: Module, options, what is missing, what is predicted all the same.
MISSING = [
    ("container", BOX, "no image named 'app'", ["created app", "started app"]),
    ("container", {"name": "app", "state": "stopped"}, "image", ["brought container app to stopped"]),
    ("container_checkpoint", {"name": "app"}, "no container named 'app'", ["made a checkpoint of app"]),
    ("container_commit", {"container": "app"}, "no container named 'app'", ["committed app"]),
    ("container_copy", {"container": "app", "src": "/a", "dest": "/b"}, "no container", ["copied /a to /b"]),
    ("container_diff", {"container": "app"}, "no container named 'app'", None),
    ("container_exec", {"name": "app", "command": "true"}, "no container", ["ran a command in app"]),
    ("container_export", {"container": "app", "dest": "/a"}, "no container", ["exported app to /a"]),
    (
        "container_file",
        {"container": "app", "path": "/a", "content": "x"},
        "no container",
        ["brought app:/a to present"],
    ),
    ("container_mount", {"container": "app"}, "no container named 'app'", ["mounted app"]),
    ("container_restore", {"name": "app"}, "no container named 'app'", ["restored a container"]),
    ("container_restore", {"import": "/none.tar"}, "import: '/none.tar'", ["restored a container"]),
    ("image_cache", {"parent": "app", "key": "a"}, "no image named 'app'", []),
    ("image_import", {"src": "/none", "name": "app"}, "'/none'", ["imported image app"]),
    ("image_save", {"image": ["app"], "dest": "/a"}, "no image named 'app'", ["saved images to /a"]),
    ("image_tag", {"image": "app", "target_names": ["b"]}, "no image named 'app'", ["tagged image app"]),
    ("image_push", {"name": "app"}, "no image named 'app'", ["pushed image app"]),
    ("image_load", {"input": "/none.tar"}, "'/none.tar'", ["loaded images from /none.tar"]),
    (
        "volume",
        {"name": "data", "options": ["type=ext4", "device=/none.img"]},
        "device=/none.img",
        ["created volume data"],
    ),
    (
        "volume",
        {"name": "data", "populate": "once", "populate_from": {"image": "app", "path": "/a"}},
        "no image",
        ["brought volume data to present"],
    ),
    ("volume", {"name": "data", "state": "unmounted"}, "no volume", ["brought volume data to unmounted"]),
    (
        "volume_content",
        {"name": "data", "src": "/a", "remote_src": True},
        "no volume named 'data'",
        ["changed the content of volume data"],
    ),
    ("volume_export", {"name": "data", "dest": "/a"}, "no volume", ["exported volume data to /a"]),
    ("volume_import", {"name": "data", "src": "/a"}, "no volume", ["imported /a into volume data"]),
    ("volume_snapshot", {"name": "data"}, "no volume", ["brought the snapshots of volume data to present"]),
]


def warnings_of(result):
    """Return the texts of a result's warnings, which are structures since ansible-core 2.19."""
    return [str(one) for one in result.get("warnings", ())]


@pytest.mark.parametrize("case", MISSING, ids=lambda case: f"{case[0]}-{'-'.join(case[1])}")
def test_what_an_earlier_task_could_bring_is_a_warning(need, run_module, tmp_path, case):
    """On a bare host, each module predicts, warns about what is missing, and creates nothing."""
    need(os.geteuid() == 0, "root")
    module, options, missing, actions = case
    result = run_module(module, options, check=True)
    assert not result.get("failed"), result["msg"]
    assert (result["changed"], result.get("actions")) == (bool(actions), actions)
    assert [text for text in warnings_of(result) if missing in text and UNLESS in text]
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("case", [MISSING[1], MISSING[5]], ids=lambda case: case[0])
def test_a_real_run_fails_of_it(need, run_module, case):
    """In a real run, something missing is an error."""
    need(os.geteuid() == 0, "root")
    assert run_module(case[0], case[1])["failed"]


def test_bad_input_stays_an_error(need, run_module, tmp_path):
    """Something missing that no task can create fails the prediction."""
    need(os.geteuid() == 0, "root")
    file = tmp_path / "none.tar"
    file.write_text("this is no archive")
    assert run_module("image_load", {"input": str(file)}, check=True)["error"] == "archive_broken"


def test_files_of_variables_that_are_still_to_come(need, run_module, tmp_path):
    """A missing env_file causes a warning, and the others are still read."""
    need(os.geteuid() == 0, "root")
    (tmp_path / "env").write_text("A=1\n")
    files = [str(tmp_path / "env"), str(tmp_path / "gone")]
    result = run_module("container", {**BOX, "env_file": files}, check=True)
    assert (result["changed"], result["spec"]["env"]) == (True, {"A": None})
    assert [text for text in warnings_of(result) if "gone" in text and UNLESS in text]
