# SPDX-License-Identifier: GPL-3.0-or-later
"""A prune removes unused things, predicts that in check mode, and leaves everything else."""

from __future__ import annotations

import os

import pytest

from _engine.errors import InvalidOption
from _engine.lifecycle.store.prune import prune
from _engine.model.engine.prune import ImagePrune, Prune
from dockerarchive import layer


@pytest.fixture
def pruned(store):
    """Return a function that prunes, after check mode has predicted the same."""

    def pruned(wish):
        with store.host.open(read_only=True) as engine:
            told = prune(engine, wish)
        with store.host.open() as engine:
            done = prune(engine, wish)
        assert (told.actions, told.result) == (done.actions, done.result)
        with store.host.open() as engine:
            assert prune(engine, wish).actions == ()
        return done

    return pruned


def build(store, name, content, **config):
    """Create an image with one layer of this many bytes."""
    return store.host.build(name, layer({"file": content}), **config)


def test_images_without_a_name_go(store, pruned):
    """An image that lost its name is removed with its layers; shared layers do not count as freed."""
    shared = layer({"shared": b"s" * 3000})
    store.host.build("localhost/app:1", shared, layer({"file": b"1" * 1000}))
    old = store.image("localhost/app:1")
    store.host.build("localhost/app:1", shared, layer({"file": b"2" * 1000}))
    done = pruned(Prune(images=ImagePrune()))
    assert done.actions == (f"removed image {old.id[:12]}",)
    assert (done.result["image"], done.result["space_reclaimed"]) == ([old.id], 1000)
    assert len(os.listdir(store.host.layout.layers)) == 2
    assert store.names() == ["localhost/app:1"]


def test_what_a_container_uses_stays(store, pruned, busybox):
    """With all, unused images are removed; those of any container, or mounted in one, stay."""
    for name in ("runs", "made", "mounted", "free"):
        store.host.build(f"localhost/{name}:1", busybox, layer({name: b"x"}))
    store.host.image = "localhost/runs:1"
    store.host.start("sleep", "1000", mount=["type=image,src=localhost/mounted:1,dst=/image"], stop_timeout=0)
    store.host.want("created", "true", name="other", image="localhost/made:1")
    assert pruned(Prune(images=ImagePrune(all=True))).actions == ("removed image localhost/free:1",)
    assert store.names() == ["localhost/made:1", "localhost/mounted:1", "localhost/runs:1"]
    assert store.host.inspect()["State"]["Status"] == "running"


def test_the_last_of_each_repository_stay(store, pruned):
    """keep_last counts per repository by load time; an image that any repository keeps stays."""
    for number in range(4):
        build(store, f"localhost/a:{number}", b"a%d" % number)
    build(store, "localhost/b:1", b"b")
    build(store, "registry.example:5000/b:1", b"c")
    store.execute(
        "INSERT INTO image_names SELECT 'localhost/c:1', image_id FROM image_names WHERE name = 'localhost/a:0'"
    )
    done = pruned(Prune(images=ImagePrune(keep_last=2)))
    assert done.actions == ("removed image localhost/a:1",)
    assert pruned(Prune(images=ImagePrune(keep_last=1))).actions == ("removed image localhost/a:2",)


def test_filters_choose(store, pruned):
    """Only things that match the filters are removed; an unknown key is refused before any removal."""
    build(store, "localhost/test:1", b"1", Labels={"stage": "test"})
    build(store, "localhost/prod:1", b"2", Labels={"stage": "prod"})
    with pytest.raises(InvalidOption, match="near: label"), store.host.open() as engine:
        prune(engine, Prune(containers=(), images=ImagePrune(all=True, filters=(("labl", "x"),))))
    done = pruned(Prune(images=ImagePrune(all=True, filters=(("label", "stage=test"),))))
    assert done.actions == ("removed image localhost/test:1",)
    assert pruned(Prune(images=ImagePrune(all=True, filters=(("reference", "pro?"),)))).changed


def test_all_kinds_at_once(apart, store, pruned, busybox):
    """Exited containers are removed first, then what only they used; living ones and theirs stay."""
    store.host.build(store.host.image, busybox)
    store.host.build("localhost/other:1", busybox, layer({"x": b"1"}))
    store.host.network("kept", subnet="10.97.8.0/24")
    store.host.network("free", subnet="10.97.9.0/24")
    store.host.start("sleep", "1000", volume=["kept:/data"], stop_timeout=0)
    store.host.want("created", "true", name="inside", network=["kept"], volume=["kept:/data"])
    store.host.start("true", name="needed")
    store.host.start("sleep", "1000", name="needs", requires=["needed"], stop_timeout=0)
    store.host.start(
        "sh",
        "-c",
        "echo 12345 > /file",
        name="job",
        image="localhost/other:1",
        volume=["gone:/data"],
        network=["free"],
    )
    store.host.ended("job")
    done = pruned(Prune((), (), (), ImagePrune(all=True)))
    assert done.actions == (
        "removed container inside",
        "removed container job",
        "removed volume gone",
        "removed network free",
        "removed network kept",
        "removed image localhost/other:1",
    )
    assert done.result["space_reclaimed"] == 6 + 1
    assert store.host.inspect("needed") != {}
    assert store.host.volumes() == ["kept"]


def test_volumes_that_are_kept(store, pruned):
    """A volume that is mounted on the host stays, and so does one that the filters exclude."""
    store.host.volume("mounted", "mounted", "type=tmpfs")
    store.host.volume("labelled", labels={"keep": "yes"})
    store.host.volume("plain")
    done = pruned(Prune(volumes=(("label!", "keep"),)))
    assert done.result["volume"] == ["plain"]
    assert store.host.volumes() == ["labelled", "mounted"]
