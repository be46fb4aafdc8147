# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of a committed image."""

from __future__ import annotations

import json

import pytest

from _engine.images import commit
from _engine.images.commit import Words

US = Words("us")
OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
STEP = {"created": "2020-01-01T00:00:00Z", "created_by": "it"}
PARENT = {
    "architecture": "arm64",
    "variant": "v8",
    "os": "linux",
    "os.version": "1",
    "author": "somebody",
    "created": "2020-01-01T00:00:00Z",
    "docker_version": "1",
    "container": "x",
    "config": {"Cmd": ["a"]},
    "rootfs": {"type": "layers", "diff_ids": [OLD]},
    "history": [STEP],
}


def made(*, run=None, words=US, parent=None, **how):
    """Return the new configuration."""
    return commit.configuration(
        json.dumps(PARENT if parent is None else parent).encode(), run or {}, words, **{"diff_id": NEW, **how}
    )


def test_what_the_parent_says_stays():
    """Everything that is not about the container is kept, with one more layer and step."""
    found = made(run={"Cmd": ["b"], "Env": [], "User": ""})
    assert found == {
        "architecture": "arm64",
        "variant": "v8",
        "os": "linux",
        "os.version": "1",
        "author": "somebody",
        "config": {"Cmd": ["b"]},
        "rootfs": {"type": "layers", "diff_ids": [OLD, NEW]},
        "history": [STEP, {"created_by": "us"}],
    }


def test_words():
    """Author and comment are in the new step, the author at the top level as well."""
    found = made(words=Words("us", "me", "because"))
    assert found["author"] == "me"
    assert found["history"][-1] == {"created_by": "us", "author": "me", "comment": "because"}


def test_without_a_layer():
    """A step without a layer is marked as such; the number of layers fits the steps."""
    found = made(diff_id=None)
    assert found["rootfs"]["diff_ids"] == [OLD]
    assert found["history"][-1] == {"created_by": "us", "empty_layer": True}


def test_squashed():
    """A squashed image has one layer, one step, and the parent's metadata."""
    found = made(squash=True)
    assert (found["rootfs"]["diff_ids"], found["history"]) == ([NEW], [{"created_by": "us"}])
    assert found["author"] == "somebody"


@pytest.mark.parametrize("history", [None, 7, "x"])
def test_a_history_that_is_none(history):
    """A parent's invalid history counts as none."""
    assert made(parent={**PARENT, "history": history})["history"] == [{"created_by": "us"}]


def test_times_are_not_compared():
    """The times of the image and its last step are not compared; another step's time is."""
    first, second = (commit.dated(made(), when) for when in (1, 2))
    assert first != second
    assert (
        json.loads(first)["created"] == json.loads(first)["history"][-1]["created"] == "1970-01-01T00:00:01Z"
    )
    assert commit.timeless(first) == commit.timeless(second) == commit.timeless(json.dumps(made()).encode())
    other = made(parent={**PARENT, "history": [{**STEP, "created": "2021-01-01T00:00:00Z"}]})
    assert commit.timeless(commit.dated(other, 1)) != commit.timeless(first)
