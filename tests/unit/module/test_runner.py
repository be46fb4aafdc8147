# SPDX-License-Identifier: GPL-3.0-or-later
"""A module exits with a result or a clear error, and changes nothing if its options are invalid."""

from __future__ import annotations

import os

import pytest

from dockerarchive import layer, write_archive

WRONG = [
    ("container", {"name": "app", "image": "app", "gpus": "all"}, "not_built_yet", "gpus"),
    (
        "container",
        {"name": "app", "image": "app", "network": "none", "memory": "12x"},
        "invalid_option",
        "memory",
    ),
    ("volume", {"name": "a/b"}, "invalid_option", "name"),
    ("image_import", {"src": "/", "name": "x", "changes": [5]}, "invalid_option", "changes"),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong[0]}-{wrong[3]}")
@pytest.mark.parametrize("check", [False, True])
def test_a_wrong_option_is_refused_before_anything_is_touched(run_module, tmp_path, wrong, check):
    """The error has a code and names the option, in check mode too, and no directory is created."""
    name, options, code, option = wrong
    result = run_module(name, options, check=check)
    assert (result["failed"], result["error"], result["option"]) == (True, code, option)
    assert os.listdir(tmp_path) == []


NAMELESS = [
    ("container", {"name": "x:1", "state": "absent"}, "container"),
    ("volume", {"name": "x:1", "state": "absent"}, "volume"),
    ("image_remove", {"name": "x::1"}, "image"),
]


@pytest.mark.parametrize(("module", "options", "key"), NAMELESS)
def test_what_nothing_can_be_called_is_gone(run_module, tmp_path, module, options, key):
    """An invalid name is absent already, and the engine's directories are not created."""
    result = run_module(module, options)
    assert (result["changed"], result["actions"], result[key]) == (False, [], {})
    assert os.listdir(tmp_path) == []


def test_an_empty_list_is_an_empty_mapping(need, run_module):
    """A template that renders an empty mapping as a list is accepted."""
    need(os.geteuid() == 0, "root")
    names = ("env", "labels", "annotation", "sysctl", "log_opt", "tmpfs", "cgroup_conf")
    mappings: dict[str, list[str]] = {name: [] for name in names}
    result = run_module(
        "container", {"name": "a", "image": "b", "pull": "never", "net": "none", **mappings}, check=True
    )
    assert (result.get("failed", False), result["changed"]) == (False, True), result
    assert not {*mappings, "label", "mounts"} & {*result["spec"]}


def test_an_option_is_called_as_the_task_calls_it(run_module):
    """An error names the alias used in the task, and its field the option's name."""
    box = {"name": "a", "image": "b", "network_mode": ["none"]}
    for options, told in (
        ({"working_dir": "rel"}, "working_dir: 'rel' is no"),
        ({"labels": {"a": None}}, "labels.a: is not a string"),
        (
            {"published_ports": ["80:80"]},
            "published_ports: ['80:80/tcp'] has no effect with network: none",
        ),
        ({"network_mode": ["pasta"]}, "network_mode: 'pasta' is for rootless podman"),
    ):
        result = run_module("container", {**box, **options})
        assert result["msg"].startswith(told)
        assert result["option"].partition(".")[0] not in options


def test_an_option_about_podman_is_refused_with_a_remedy(run_module):
    """Options of podman_container about podman itself are recognised, and refused with a remedy."""
    result = run_module("container", {"name": "app", "executable": "podman"})
    assert (result["error"], result["option"]) == ("invalid_option", "executable")
    assert "Use runtime to select crun or runc" in result["msg"]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("container_info", "containers"),
        ("volume_info", "volumes"),
        ("image_info", "images"),
        ("network_info", "networks"),
    ],
)
def test_a_module_that_looks_makes_nothing(need, run_module, tmp_path, name, key):
    """On a host without the engine, nothing is returned, and nothing is created."""
    need(os.geteuid() == 0, "root")
    result = run_module(name, {})
    assert (result["changed"], result[key]) == (False, [])
    assert os.listdir(tmp_path) == []


def test_check_mode_makes_nothing(need, run_module, tmp_path):
    """In check mode, a task reports what it would do, and not even the engine's directories are created."""
    need(os.geteuid() == 0, "root")
    result = run_module("volume", {"name": "data", "label": {"tier": "db"}}, check=True)
    assert (result["changed"], result["actions"], os.listdir(tmp_path)) == (True, ["created volume data"], [])


def test_a_task_run_twice_changes_once(need, run_module):
    """A volume is created, then found unchanged, then changed, and the diff names the change."""
    need(os.geteuid() == 0, "root")
    options = {"name": "data", "label": {"tier": "db"}}
    assert [run_module("volume", options)["changed"] for _ignored in range(2)] == [True, False]
    altered = run_module("volume", {**options, "label": {"tier": "web"}})
    assert altered["diff"]["before"] == {"labels.tier": "db"}
    assert altered["plan"]["changes"] == [
        {"option": "labels.tier", "before": "db", "after": "web", "change": "live"}
    ]
    assert altered["volume"]["Labels"] == {"tier": "web"}


def test_a_system_call_that_fails_is_told_with_its_path(need, run_module, tmp_path):
    """An unexpected system error names the path, and has its own code."""
    need(os.geteuid() == 0, "root")
    tmp_path.joinpath("file").touch()
    result = run_module("volume", {"name": "data", "root": str(tmp_path / "file/root")})
    assert (result["failed"], result["error"]) == (True, "os_error")
    assert str(tmp_path / "file") in result["path"]


def test_warnings_are_no_part_of_the_result(need, run_module, tmp_path):
    """An outcome's warnings are passed to Ansible, which deprecates them in a result."""
    need(os.geteuid() == 0, "root")
    archive = write_archive(tmp_path / "a.tar", "localhost/a:1", [layer({})], StopSignal="SIGNONE")
    result = run_module("image_load", {"input": str(archive)}, check=True)
    assert "SIGNONE" in str(result["warnings"])
    assert "deprecations" not in result
