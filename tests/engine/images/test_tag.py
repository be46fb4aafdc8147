# SPDX-License-Identifier: GPL-3.0-or-later
"""Names are added to images and removed; the images stay."""

from __future__ import annotations

import pytest
from imagehome import NAME

from _engine.errors import InvalidOption, NotFound
from _engine.lifecycle.host.rebuild import rebuild
from _engine.lifecycle.image.tag import tag, untag
from _engine.state import events, images

OTHER = "localhost/other:1"


@pytest.fixture
def two(home, odd, archives, tmp_path):
    """Return an engine with two images."""
    home.load(odd)
    layer = archives.layer(("f", {"data": b"1"}))
    home.load(archives.docker(tmp_path / "other.tar", [layer], tag=OTHER))
    return home


def tagged(home, *arguments, act=tag, read_only=False):
    """Add or remove names; return the outcome and the image's names."""
    with home.open(read_only=read_only) as engine:
        outcome = act(engine, *arguments)
        return outcome.changed, outcome.result["image"]["RepoTags"]


def named(home):
    """Return the images' ids by name."""
    with home.open() as engine, engine.database.reading() as connection:
        return images.names(connection)


def test_tag(two):
    """Names are added in full; adding them again is no change, and check mode only reports."""
    wanted = ["app:stable", "docker.io/site/app", NAME]
    names = [NAME, "localhost/app:stable", "docker.io/site/app:latest"]
    before = named(two)
    assert tagged(two, "app:1", wanted, read_only=True) == (True, sorted(names))
    assert named(two) == before
    assert tagged(two, "app:1", wanted) == (True, sorted(names))
    assert tagged(two, "app:1", wanted) == (False, sorted(names))
    assert {name for name, image in named(two).items() if image == before[NAME]} == {*names}


def test_a_name_is_taken_from_another_image(two):
    """A name of another image is moved to this one, and the other is left without."""
    before = named(two)
    assert tagged(two, NAME, [OTHER]) == (True, [NAME, OTHER])
    assert named(two) == {NAME: before[NAME], OTHER: before[NAME]}
    assert tagged(two, before[OTHER], ["back:1"]) == (True, ["localhost/back:1"])


def test_untag(two):
    """One name or all are removed; the image stays and is found by its id."""
    image = named(two)[NAME]
    tagged(two, NAME, ["a:1", "b:1"])
    assert tagged(two, NAME, ["a:1"], act=untag) == (True, [NAME, "localhost/b:1"])
    assert tagged(two, NAME, act=untag) == (True, [])
    assert tagged(two, image, act=untag) == (False, [])
    assert tagged(two, image, [NAME]) == (True, [NAME])


def test_events(two):
    """Each name that is added or removed is an event, with libpod's name."""
    tagged(two, NAME, ["a:1", "b:1"])
    tagged(two, NAME, ["a:1"], act=untag)
    with two.open() as engine, engine.database.reading() as connection:
        found = [(one.action, one.name) for one in events.read(connection) if one.action != "load"]
    assert found == [("tag", "localhost/a:1"), ("tag", "localhost/b:1"), ("untag", "localhost/a:1")]


def test_names_outlive_the_database(two):
    """The names of an image survive the loss of the database."""
    tagged(two, NAME, ["a:1"])
    before = named(two)
    for file in (two.top / "root").glob("state.db*"):
        file.unlink()
    rebuild(str(two.top / "root"), str(two.top / "run"), dry_run=False)
    assert named(two) == before


@pytest.mark.parametrize(
    ("image", "names", "act", "error", "words"),
    [
        ("nosuch:1", ["a:1"], tag, NotFound, "nosuch:1"),
        (NAME, ["UPPER"], tag, InvalidOption, "target_names: 'UPPER' has capital letters"),
        (NAME, [f"a@sha256:{'a' * 64}"], tag, InvalidOption, "target_names.*Write a tag"),
        (NAME, [OTHER], untag, NotFound, "name of image .*near: localhost/app:1"),
    ],
)
def test_refused(two, image, names, act, error, words):
    """An invalid or unknown name is an error, and nothing is changed."""
    before = named(two)
    with pytest.raises(error, match=words):
        tagged(two, image, names, act=act)
    assert named(two) == before
