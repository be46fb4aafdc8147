# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading reports what it did and skipped, and checks also unneeded layers."""

from __future__ import annotations

import cProfile
import gzip
import json
import os

import pytest

from _engine.errors import DigestMismatch, InvalidOption, NotFound
from _engine.lifecycle.host.opening import open_engine
from _engine.lifecycle.image import load as loading
from _engine.progress import reported_to


@pytest.fixture
def load(tmp_path):
    """Return a function that loads an archive into an engine of its own."""

    def load(path, *names, read_only=False, **options):
        with open_engine(str(tmp_path / "root"), str(tmp_path / "run"), read_only=read_only) as engine:
            return loading.load(engine, str(path), *names, **options)

    return load


@pytest.fixture
def two(archives, tmp_path):
    """Return an archive of two images, one with two names and one without."""
    layers = {name: archives.layer((name, {})) for name in ("one", "two")}
    configs = {f"{name}.json": archives.config([layer]) for name, layer in layers.items()}
    tags = {"one": ["app:1", "app:2"], "two": None}
    items = [{"Config": f"{name}.json", "RepoTags": tags[name], "Layers": [name]} for name in layers]
    files = {**layers, **configs, "manifest.json": json.dumps(items).encode()}
    return archives.tar(tmp_path / "two.tar", files.items())


def names(outcome):
    """Return the names of the loaded images."""
    return [image["RepoTags"] for image in outcome.result["images"]]


def test_one_of_several(two, load):
    """A reference selects one image of an archive, by name or id; it gets only that name, or another given one."""
    assert names(load(two, reference="app:2")) == [["localhost/app:2"]]
    everything = load(two)
    assert names(everything) == [["localhost/app:1", "localhost/app:2"], []]
    unnamed = everything.result["images"][1]["Id"]
    assert names(load(two, "mine:1", reference=unnamed[:12])) == [["localhost/mine:1"]]
    with pytest.raises(InvalidOption, match=f"two.tar has localhost/app:1, localhost/app:2, {unnamed[:12]}"):
        load(two, reference="other:1")
    with pytest.raises(InvalidOption, match=r"the archive has 2.*reference: localhost/app:1"):
        load(two, "mine:1")


def test_progress(two, load):
    """A load reports how much of the archive's layers is read, and ends with all of it; so does one that only checks."""
    for _again in range(2):
        states = []
        with reported_to(states.append):
            load(two)
        assert {state.what for state in states} == {f"loading {two}"}
        assert states[-1].done == states[-1].total > 0
    assert states[-1].parts == 2


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("change", ["nothing", "a new image of the same layer"])
def test_a_layer_that_is_there_is_checked(change, pack, archives, load, tmp_path):
    """A layer is checked against its digest also if it exists already and is not needed."""
    layer = archives.layer(("a", {"data": os.urandom(3 << 20)}))

    def made(content, label):
        config = json.loads(archives.config([layer]))
        files = {
            "c": json.dumps({**config, "author": label}).encode(),
            "l": pack(content),
            "manifest.json": json.dumps([{"Config": "c", "RepoTags": ["a:1"], "Layers": ["l"]}]).encode(),
        }
        return archives.tar(tmp_path / f"{label}.tar", files.items())

    load(made(layer, "good"))
    assert load(made(layer, "good")).actions == ()
    altered = layer[:-2000] + b"x" + layer[-1999:]
    with pytest.raises(DigestMismatch, match="has the digest"):
        load(made(altered, "good" if change == "nothing" else "new"))


def test_what_is_told(archives, load, tmp_path):
    """A foreign CPU architecture and attributes of another system are reported."""
    records = {"pax_headers": {"SCHILY.xattr.com.apple.provenance": "1"}}
    layer = archives.layer(("a", records))
    config = json.dumps({**json.loads(archives.config([layer])), "architecture": "mips64le"}).encode()
    manifest = [{"Config": "c", "RepoTags": ["a:1"], "Layers": ["l"]}]
    files = {"c": config, "l": layer, "manifest.json": json.dumps(manifest).encode()}
    left, platform = load(archives.tar(tmp_path / "image.tar", files.items())).warnings
    assert left.endswith("were left out: com.apple.provenance")
    assert platform.startswith("image localhost/a:1 is for linux/mips64le, but this host is linux/")


#: Names of an image in an archive, and those that the warning calls invalid.
CALLED = (
    (["a:1", "A:1", "no name"], "'A:1', 'no name'"),
    (["a/../b:1"], "'a/../b:1'"),
    (["\x1b[2J" + "x" * 200], repr("\x1b[2J" + "x" * 146)),
    (["<none>:<none>", ""], None),
    (["a:1"], None),
    (None, None),
)


@pytest.mark.parametrize("form", ["docker", "oci"])
def test_what_is_no_name_is_told(form, archives, load, tmp_path):
    """An invalid image name in an archive is ignored with a warning, unless the task sets a name."""
    for tags, told in CALLED:
        layer = archives.layer(("a", {}))
        config = archives.config([layer])
        path = tmp_path / f"{form}.tar"
        if form == "docker":
            manifest = [{"Config": "c", "RepoTags": tags, "Layers": ["l"]}]
            files = {"c": config, "l": layer, "manifest.json": json.dumps(manifest).encode()}
        else:
            files = oci_files(archives, config, layer, tags or [""])
        archives.tar(path, files.items())
        warnings = load(path).warnings
        if told is None:
            assert (tags, warnings) == (tags, ())
        else:
            [warning] = warnings
            assert f"its name {told} in the archive is not valid and is ignored" in warning
        assert load(path, "mine:1").warnings == ()


def oci_files(archives, config, layer, tags):
    """Return the files of an OCI layout with this image name."""

    def blob(data):
        return {"digest": archives.digest(data), "size": len(data)}

    manifest = json.dumps({"config": blob(config), "layers": [blob(layer)]}).encode()
    named = ({"annotations": {"org.opencontainers.image.ref.name": tag}} for tag in tags)
    index = json.dumps({"manifests": [{**blob(manifest), **one} for one in named]}).encode()
    blobs = {f"blobs/{archives.digest(one).replace(':', '/')}": one for one in (config, layer, manifest)}
    return {"index.json": index, **blobs}


def test_many_layers(archives, load, tmp_path):
    """The cost is linear in the number of layers: each is checked by itself, whatever the store contains."""

    def calls(count):
        layers = [archives.layer((f"{count} {number}", {})) for number in range(count)]
        archive = archives.docker(tmp_path / "image.tar", layers, tag=f"test:{count}")
        profile = cProfile.Profile()
        profile.runcall(load, archive)
        return sum(entry.callcount for entry in profile.getstats())

    calls(2)  # for everything that is imported or created once
    few, many = calls(20), calls(40)
    assert many < 4 * few


def test_no_archive(load, tmp_path):
    """The error for a missing archive has the path and the host, and says to copy the archive there."""
    with pytest.raises(
        NotFound, match=rf"/nosuch\.tar' on the host {os.uname().nodename}\..*Copy the archive to the host"
    ):
        load("/nosuch.tar")
