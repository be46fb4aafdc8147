# SPDX-License-Identifier: GPL-3.0-or-later
"""A build stage is found by its parent and its key, and by nothing else."""

from __future__ import annotations

import shutil

import pytest

from _engine.errors import NotFound
from _engine.lifecycle.build.cached import StageRequest, use_stage
from _engine.lifecycle.build.commit import CommitRequest, commit
from _engine.lifecycle.image.remove import remove_image
from dockerarchive import layer

KEY = ["app", {"version": 2}]


@pytest.fixture
def ask(commits):
    """Return the function that looks up a stage."""

    def ask(parent: str, key: object = None, name: str = "", *, check: bool = False):
        key = KEY if key is None else key
        with commits.host.open(read_only=check) as engine:
            return use_stage(engine, StageRequest(parent, key, name))

    return ask


@pytest.fixture
def built(host, commits, image):
    """Return the id of a stage that was built on the image."""
    host.start("sh", "-c", "echo x >/new", image=image)
    host.ended()
    return commits.commit("localhost/stage:1", cache_key=KEY).result["image"]["Id"]


def test_found(host, image, ask, built):
    """A stage is found by the parent's name and id, and gets the requested name once."""
    found = ask(image)
    assert (found.actions, found.result["hit"], found.result["image"]["Id"]) == ((), True, built)
    told = ask(image, name="localhost/stage:2", check=True)
    done = ask(image, name="localhost/stage:2")
    assert done.actions == told.actions == (f"named image {built[:12]} as localhost/stage:2",)
    again = ask(image, name="localhost/stage:2")
    assert again.actions == ()
    assert again.result["image"]["RepoTags"] == ["localhost/stage:1", "localhost/stage:2"]


def test_not_found(host, commits, image, ask, built, busybox):
    """Another key, another parent of the same name, and a stage with removed layers are not found."""
    nothing = {"hit": False, "image": {}}
    assert ask(image, ["app", {"version": 3}], "localhost/other:1").result == nothing
    assert ask("localhost/stage:1").result == nothing
    host.build(image, busybox, layer({"other": b"x"}))
    assert ask(image).result == nothing
    with pytest.raises(NotFound, match="no image named 'nosuch'"):
        ask("nosuch")
    assert ask("nosuch", check=True).result == nothing


def test_a_torn_one_is_none(commits, image, ask, built):
    """A stage whose layer was removed is built again."""
    top, *_below = commits.layers("localhost/stage:1")
    shutil.move(top, f"{top}.away")
    assert not ask(image).result["hit"]
    shutil.move(f"{top}.away", top)
    assert ask(image).result["hit"]


def test_the_last_one_counts(host, commits, image, ask, built):
    """Of two stages with the same parent and key the newer one is found."""
    host.start("sh", "-c", "echo y >/new", name="two", image=image)
    host.ended("two")
    with host.open() as engine:
        done = commit(engine, CommitRequest("two", "localhost/stage:1", cache_key=KEY))
    newer = done.result["image"]["Id"]
    assert ask(image).result["image"]["Id"] == newer != built
    with host.open() as engine:
        remove_image(engine, newer)
    assert ask(image, name="localhost/stage:1").result["image"]["Id"] == built


def test_a_stage_on_a_stage(host, commits, image, ask, built):
    """The stage's label is not inherited: an image built on a stage has its own label, or none."""
    host.start("true", name="two", image="localhost/stage:1")
    host.ended("two")
    with host.open() as engine:
        shape = commit(engine, CommitRequest("two", "localhost/next:1")).result["image"]
        assert "slipway.oci.stage" not in shape["Labels"]
        kept = commit(engine, CommitRequest("two", "localhost/next:2", cache_key="k")).result["image"]
    assert ask("localhost/stage:1", "k").result["image"]["Id"] == kept["Id"]
    assert ask(image).result["image"]["Id"] == built
