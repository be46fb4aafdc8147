# SPDX-License-Identifier: GPL-3.0-or-later
"""Images are found by name, label and pattern, and by whether they have a name."""

from __future__ import annotations

import pytest

from _engine.lifecycle.image.remove import remove_image
from _engine.lifecycle.info import info
from dockerarchive import layer

pytestmark = pytest.mark.parametrize("runtime", ["runc"], indirect=True)

ASKED = [
    ({}, "a b c old"),
    ({"names": ["localhost/a:1", "nosuch"]}, "a"),
    ({"labels": ["tier"]}, "a b"),
    ({"labels": ["tier=web"]}, "a"),
    ({"labels": ["tier", "none"]}, ""),
    ({"references": ["a"]}, "a"),
    ({"references": ["localhost/?:1"]}, "a b"),
    ({"references": ["*/b", "registry.example:5000/*"]}, "b c"),
    ({"dangling": True}, "old"),
    ({"dangling": False}, "a b c"),
    ({"dangling": False, "labels": ["tier"], "references": ["b"]}, "b"),
    ({"names": ["localhost/a:1"], "labels": ["tier=db"]}, ""),
]


@pytest.fixture
def stocked(store):
    """Return an engine with three named images and one unnamed; each has its letter as a label."""
    build = store.host.build
    build("localhost/a:1", layer({"x": b"0"}), Labels={"name": "old"})
    build("localhost/a:1", layer({"x": b"1"}), Labels={"name": "a", "tier": "web"})
    build("localhost/b:1", layer({"x": b"2"}), Labels={"name": "b", "tier": "db"})
    build("registry.example:5000/c:2", layer({"x": b"3"}), Labels={"name": "c"})
    return store.host


def test_questions(stocked):
    """All criteria must match; of several patterns any."""
    with stocked.open(read_only=True) as engine:
        found = [info.images(engine, **asked).result["images"] for asked, _names in ASKED]
    names = [" ".join(sorted(shape["Labels"]["name"] for shape in shapes)) for shapes in found]
    assert names == [wanted for _asked, wanted in ASKED]


def test_an_image_by_digest_is_not_dangling(store, registry):
    """An image that was pulled by digest has that as its name: it is not dangling, and not pruned."""
    name = store.publish(registry, "team/app:1", {"x": b"1"})
    digest = store.pull(name).manifest_digest
    by_digest = f"{name.rpartition(':')[0]}@{digest}"
    with store.host.open() as engine:
        remove_image(engine, name)
    store.pull(by_digest)
    with store.host.open() as engine:
        assert info.images(engine, dangling=True).result["images"] == []
        assert len(info.images(engine, dangling=False).result["images"]) == 1
