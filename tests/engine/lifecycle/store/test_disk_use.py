# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk use is shown by kind, image and layer, with what a prune would free."""

from __future__ import annotations

import json

import pytest

from _engine.lifecycle.store.disk_use import disk_use
from _engine.lifecycle.store.prune import prune
from _engine.model.engine.prune import ImagePrune, Prune
from dockerarchive import layer

SHARED = b"s" * 3000


@pytest.fixture
def filled(store, busybox):
    """Create two images with a shared layer, a running container with one of them, and a volume."""
    for name, size in (("used", 1000), ("free", 500)):
        store.host.build(
            f"localhost/{name}:1", busybox, layer({"shared": SHARED}), layer({name: b"x" * size})
        )
    store.host.image = "localhost/used:1"
    write = "head -c 700 /dev/zero > /own; head -c 300 /dev/zero > /data/file; echo done; sleep 1000"
    store.host.start("sh", "-c", write, volume=["data:/data"], stop_timeout=0)
    store.host.said("done")
    store.host.volume("spare")
    return store


def use(store):
    """Return the disk use."""
    with store.host.open(read_only=True) as engine:
        return disk_use(engine).result["disk_use"]


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_by_kind_image_and_layer(filled):
    """A shared layer counts once, and only unique layers count as an image's own; a prune frees that."""
    found = use(filled)
    rows = {row["Type"]: row for row in found["summary"]}
    images = rows["Images"]
    assert (images["Total"], images["Active"], images["RawReclaimable"]) == (2, 1, 500)
    used, free = (one for name in ("used", "free") for one in found["images"] if name in one["RepoTags"][0])
    assert (used["UniqueSize"], free["UniqueSize"], used["Containers"], free["Containers"]) == (
        1000,
        500,
        1,
        0,
    )
    assert used["SharedSize"] == free["SharedSize"] == images["RawSize"] - 1500
    assert sorted(len(one["Images"]) for one in found["layers"]) == [1, 1, 2, 2]
    assert [rows["Containers"][key] for key in ("Total", "Active", "RawSize", "RawReclaimable")] == [
        1,
        1,
        700,
        0,
    ]
    assert [rows["Local Volumes"][key] for key in ("Total", "Active", "RawSize", "RawReclaimable")] == [
        2,
        1,
        300,
        0,
    ]
    with filled.host.open() as engine:
        assert prune(engine, Prune(images=ImagePrune(all=True))).result["space_reclaimed"] == 500
    assert {row["Type"]: row for row in use(filled)["summary"]}["Images"]["RawReclaimable"] == 0


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_kept_blobs(store, registry):
    """Kept blobs of a pulled image are shown, and those that can be regenerated are pruned on request."""
    name = store.publish(registry, "team/app:1", {"one": b"1" * 5000})
    store.pull(name)
    row = use(store)["summary"][3]
    size = sum(store.blobs.size(digest) for digest in store.blobs.list())
    assert (row["Type"], row["Total"], row["Active"], row["RawSize"]) == ("Blobs", 3, 3, size)
    assert 0 < row["RawReclaimable"] < size
    with store.host.open() as engine:
        done = prune(engine, Prune(images=ImagePrune(blobs=True)))
    assert done.actions == (f"removed the compressed layers of image {name}",)
    assert done.result["space_reclaimed"] == row["RawReclaimable"]
    assert [use(store)["summary"][3][key] for key in ("Total", "RawReclaimable")] == [2, 0]
    assert store.image(name).manifest_digest
    with store.host.open() as engine:
        assert prune(engine, Prune(images=ImagePrune(blobs=True))).actions == ()


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_on_the_command_line(filled):
    """The columns are those of podman system df; --verbose lists each thing, --format json everything."""
    table = filled.host.agent("df").stdout.splitlines()
    assert table[0].split() == ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"]
    assert [line.rpartition("  ")[0].split()[0] for line in table[1:]] == [
        "Images",
        "Containers",
        "Local",
        "Blobs",
    ]
    assert "500 B (" in table[1]
    assert filled.host.agent("system", "df").stdout == filled.host.agent("df").stdout
    verbose = filled.host.agent("df", "-v").stdout
    for title in ("Images", "Layers", "Containers", "Local Volumes", "Blobs"):
        assert f"{title} space usage:" in verbose
    assert json.loads(filled.host.agent("df", "--format", "json").stdout) == use(filled)["summary"]
    assert filled.host.agent("df", "--format", "{{.Type}} {{.Total}}").stdout.splitlines()[0] == "Images 2"


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_pruned_and_checked_on_the_command_line(filled):
    """A prune asks, or needs --force; a check exits with 1 while there is a fault."""
    agent = filled.host.agent
    refused = agent("image", "prune", "--all")
    assert (refused.returncode, "--force" in refused.stderr) == (125, True)
    done = agent("image", "prune", "--all", "--force")
    assert done.stdout.splitlines() == ["removed image localhost/free:1", "Total reclaimed space: 500 B"]
    assert agent("store", "check").stdout == "the store is intact\n"
    filled.execute("INSERT INTO layers VALUES (?, ?, 5)", "e" * 64, f"sha256:{'e' * 64}")
    seen = agent("store", "check")
    assert (seen.returncode, seen.stdout) == (1, f"no image has the layer {'e' * 64}\n")
    mended = agent("store", "check", "--repair")
    assert (mended.returncode, mended.stdout.splitlines()[1]) == (0, "  repaired")
    assert agent("store", "check", "--json").stdout == "[]\n"
    filled.host.bring("box", "stopped", stop_time=0)
    done = agent("system", "prune", "--all", "--volumes", "--force").stdout
    assert [line.split()[1] for line in done.splitlines()] == [
        "container",
        "volume",
        "volume",
        "image",
        "reclaimed",
    ]
