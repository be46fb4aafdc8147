# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading says what it did and what it left, and checks what it does not need."""

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
    """Return the names of the images that were loaded."""
    return [image["RepoTags"] for image in outcome.result["images"]]


def test_one_of_several(two, load):
    """A reference chooses one image of an archive, by name or id; its name is then the only one, or another is given."""
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
    """What a layer holds is checked against its digest also where nobody needs it, since it is there."""
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
    """An image of another processor, and attributes of another system, are told."""
    records = {"pax_headers": {"SCHILY.xattr.com.apple.provenance": "1"}}
    layer = archives.layer(("a", records))
    config = json.dumps({**json.loads(archives.config([layer])), "architecture": "mips64le"}).encode()
    manifest = [{"Config": "c", "RepoTags": ["a:1"], "Layers": ["l"]}]
    files = {"c": config, "l": layer, "manifest.json": json.dumps(manifest).encode()}
    left, platform = load(archives.tar(tmp_path / "image.tar", files.items())).warnings
    assert left.endswith("were left out: com.apple.provenance")
    assert platform.startswith("image localhost/a:1 is for linux/mips64le, but this host is linux/")


#: What an archive calls an image, and what of it is told to be no name.
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
    """What an archive calls an image that can't be its name is left out with a warning, unless the task names it."""
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
    """Return the files of an OCI layout that names its image so."""

    def blob(data):
        return {"digest": archives.digest(data), "size": len(data)}

    manifest = json.dumps({"config": blob(config), "layers": [blob(layer)]}).encode()
    named = ({"annotations": {"org.opencontainers.image.ref.name": tag}} for tag in tags)
    index = json.dumps({"manifests": [{**blob(manifest), **one} for one in named]}).encode()
    blobs = {f"blobs/{archives.digest(one).replace(':', '/')}": one for one in (config, layer, manifest)}
    return {"index.json": index, **blobs}


def test_many_layers(archives, load, tmp_path):
    """Twice as many layers cost about twice as much: each is looked at by itself, whatever else is in the store."""

    def calls(count):
        layers = [archives.layer((f"{count} {number}", {})) for number in range(count)]
        archive = archives.docker(tmp_path / "image.tar", layers, tag=f"test:{count}")
        profile = cProfile.Profile()
        profile.runcall(load, archive)
        return sum(entry.callcount for entry in profile.getstats())

    calls(2)  # what is imported and made once
    few, many = calls(20), calls(40)
    assert many < 4 * few


def test_no_archive(load, tmp_path):
    """An archive that is not there is told with its path, the machine, and that it has to come there first."""
    with pytest.raises(
        NotFound, match=rf"/nosuch\.tar' on the host {os.uname().nodename}\..*Copy the archive to the host"
    ):
        load("/nosuch.tar")
