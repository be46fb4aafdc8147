# SPDX-License-Identifier: GPL-3.0-or-later
"""An outcome becomes the result of a task, and an error that of a failed task."""

from __future__ import annotations

import errno

import pytest
from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import InvalidOption, NotFound
from ansible_collections.slipway.oci.plugins.module_utils._engine.lifecycle.core.outcome import Outcome
from ansible_collections.slipway.oci.plugins.module_utils._engine.plan.diff import Difference
from ansible_collections.slipway.oci.plugins.module_utils._module.failure import failure
from ansible_collections.slipway.oci.plugins.module_utils._module.render import render, render_info

FOUND = (
    Difference("env.MODE", "production", "testing", "recreate"),
    Difference("label.a", None, "1", "live"),
)


def test_a_change_is_told_by_option():
    """The diff contains only differences, the plan also what each change requires."""
    result = render(
        Outcome(("removed app", "created app"), FOUND, "recreate", {"container": {}}), subject="app"
    )
    assert result == {
        "changed": True,
        "actions": ["removed app", "created app"],
        "diff": {
            "before": {"env.MODE": "production", "label.a": None},
            "after": {"env.MODE": "testing", "label.a": "1"},
            "before_header": "app",
            "after_header": "app",
        },
        "plan": {
            "cost": "recreate",
            "changes": [
                {"option": "env.MODE", "before": "production", "after": "testing", "change": "recreate"},
                {"option": "label.a", "before": None, "after": "1", "change": "live"},
            ],
        },
        "container": {},
    }


@pytest.mark.parametrize("rendered", [lambda outcome: render(outcome, subject="app"), render_info])
def test_warnings(rendered):
    """Warnings are where Ansible expects them, and an empty list is omitted."""
    assert rendered(Outcome(warnings=("one", "two")))["warnings"] == ["one", "two"]
    assert "warnings" not in rendered(Outcome())


def test_no_change_has_the_same_keys():
    """A task that changed nothing returns all keys, so that playbooks can use them unconditionally."""
    result = render(Outcome(result={"volume": {}}), subject="data")
    assert (result["changed"], result["actions"], result["plan"]) == (False, [], {"cost": "", "changes": []})
    assert (result["diff"]["before"], result["diff"]["after"]) == ({}, {})


def test_a_look_is_no_change():
    """A module that only reads returns what it has read."""
    assert render_info(Outcome(result={"containers": []})) == {"changed": False, "containers": []}


FAILURES = [
    (
        InvalidOption("memory", "12x", "is not a size", remedy="Write 256m"),
        {
            "msg": "memory: '12x' is not a size. Write 256m",
            "error": "invalid_option",
            "option": "memory",
            "value": "12x",
        },
    ),
    (
        NotFound("image", "ap", near=("app",)),
        {
            "msg": "no image named 'ap' (near: app)",
            "error": "not_found",
            "kind": "image",
            "name": "ap",
            "near": ["app"],
        },
    ),
    (
        OSError(errno.EACCES, "Permission denied", b"/srv/x"),
        {"msg": "/srv/x: Permission denied", "error": "os_error", "path": "/srv/x", "errno": "EACCES"},
    ),
    (
        OSError(errno.EXDEV, "Invalid cross-device link", "/a", None, "/b"),
        {
            "msg": "/a -> /b: Invalid cross-device link",
            "error": "os_error",
            "path": "/a -> /b",
            "errno": "EXDEV",
        },
    ),
    (
        OSError(errno.ENAMETOOLONG, "File name too long (openat2)", "/x" * 3000),
        {
            "msg": f"the path {'/x' * 50}... of 6000 bytes is too long: Linux takes names of 255 bytes, and paths of 4095."
            " Exclude the file, or choose a destination with a shorter path",
            "error": "path_too_long",
            "path": "/x" * 50,
            "length": 6000,
        },
    ),
    (
        OSError("odd"),
        {"msg": "the engine's files: odd", "error": "os_error", "path": "the engine's files", "errno": None},
    ),
    (
        OSError(errno.EBADF, "Bad file descriptor", 7),
        {
            "msg": "descriptor 7: Bad file descriptor",
            "error": "os_error",
            "path": "descriptor 7",
            "errno": "EBADF",
        },
    ),
]


@pytest.mark.parametrize(
    ("error", "result"), FAILURES, ids=lambda item: getattr(item, "code", None) or str(item)[:20]
)
def test_an_error_is_told_in_words_and_by_code(error, result):
    """A failed task reports the object, the problem, the reason and the remedy, with code and fields."""
    assert failure(error, no_log=False) == result


@pytest.mark.parametrize(
    ("error", "result"), FAILURES, ids=lambda item: getattr(item, "code", None) or str(item)[:20]
)
def test_an_error_under_no_log_is_told_by_its_code(error, result):
    """The message may contain secret input, and Ansible shows it; Ansible hides everything else."""
    told = failure(error, no_log=True)
    assert told["msg"] == f"{result['error']}; no_log hides the details"
    assert {**told, "msg": result["msg"]} == result


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_as_such(number):
    """A full disk and an exceeded quota are both a full store, with the path and the remedy."""
    told = failure(OSError(number, "whatever", "/var/lib/slipway/x"), no_log=False)
    assert (told["error"], told["path"]) == ("store_full", "/var/lib/slipway/x")
    assert "Free some space there" in told["msg"]
    assert ("The quota is exhausted" in told["msg"]) is (number == errno.EDQUOT)
