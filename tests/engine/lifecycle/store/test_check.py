# SPDX-License-Identifier: GPL-3.0-or-later
"""Each fault of the store is found and described by a check, then repaired, or left with a remedy."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from _engine.lifecycle.core.source import lowers_of
from _engine.lifecycle.image.remove import remove_image
from _engine.lifecycle.store import fault as kinds
from _engine.lifecycle.store.repair import check

ONE, TWO = {"one": b"1" * 5000, "d": None, "d/link": b"x"}, {"two": b"2" * 5000}


class Faulty:
    """A pulled image that a test damages."""

    def __init__(self, store, registry):
        self.store, self.layout = store, store.host.layout
        self.name = store.publish(registry, "team/app:1", ONE, TWO)
        self.record = store.pull(self.name)
        self.pull = lambda: store.pull(self.name, "always")

    @property
    def layers(self):
        """Return the directories of the layers, lowest first."""
        return [Path(path) for path in reversed(lowers_of(self.record, self.layout))]

    @property
    def manifest(self):
        """Return the kept manifest."""
        return json.loads(self.store.blobs.read(self.record.manifest_digest, 1 << 20))

    def blob(self, digest):
        """Return the path of a blob."""
        return Path(self.store.blobs.path(digest))

    def note(self, digits=None):
        """Return the path of an image's note."""
        return Path(self.layout.images, f"{digits or self.record.id}.json")

    def check(self, *, repair=False, read_only=False, quick=False):
        """Check the store, and repair it if requested."""
        with self.store.host.open(read_only=read_only) as engine:
            return check(engine, repair=repair, quick=quick)


@pytest.fixture
def faulty(store, registry):
    """Return a pulled image."""
    return Faulty(store, registry)


def a_file_is_gone(faulty):
    """Remove a file of a layer."""
    faulty.layers[0].joinpath("one").unlink()


def a_file_is_another(faulty):
    """Change a byte of a layer, preserving the times."""
    path = faulty.layers[1] / "two"
    before = path.stat()
    path.write_bytes(b"3" + path.read_bytes()[1:])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def a_layer_is_gone(faulty):
    """Remove a layer."""
    shutil.rmtree(faulty.layers[0].parent)


def a_layer_is_empty(faulty):
    """Leave a layer without its tree, as a file system check may do."""
    shutil.rmtree(faulty.layers[1])


def an_orphan_layer(faulty):
    """Leave a layer without a row."""
    Path(faulty.layout.layers, "f" * 64, "diff").mkdir(parents=True)


def a_layer_row(faulty):
    """Leave the row of a layer that no image has."""
    faulty.store.execute("INSERT INTO layers VALUES (?, ?, 5)", "e" * 64, f"sha256:{'e' * 64}")


def a_strange_layer(faulty):
    """Put an unrelated file among the layers."""
    Path(faulty.layout.layers, "lost+found").mkdir()


def a_blob_is_gone(faulty):
    """Remove a layer's blob."""
    faulty.blob(faulty.manifest["layers"][0]["digest"]).unlink()


def a_blob_is_another(faulty):
    """Change a byte of a layer's blob."""
    path = faulty.blob(faulty.manifest["layers"][1]["digest"])
    path.write_bytes(path.read_bytes()[:-1] + b"!")


def the_manifest_is_another(faulty):
    """Change the manifest."""
    faulty.blob(faulty.record.manifest_digest).write_text("{}")


def the_manifest_is_of_another(faulty):
    """Record another image's manifest."""
    other = json.dumps({**faulty.manifest, "config": {"digest": f"sha256:{'0' * 64}", "size": 1}}).encode()
    digest = f"sha256:{hashlib.sha256(other).hexdigest()}"
    faulty.store.blobs.put(digest, other)
    faulty.store.execute("UPDATE images SET manifest_digest = ?", digest)
    faulty.store.execute("INSERT INTO image_blobs SELECT id, ? FROM images", digest)


def an_orphan_blob(faulty):
    """Keep a blob that no image has."""
    faulty.store.blobs.put(f"sha256:{hashlib.sha256(b'orphan').hexdigest()}", b"orphan")


def a_strange_blob(faulty):
    """Put an unrelated file among the blobs."""
    Path(faulty.layout.blobs, "sha256", "notes.txt").write_text("x")


def the_config_is_another(faulty):
    """Change the configuration in the database."""
    faulty.store.execute("UPDATE images SET config = ?", b'{"rootfs": {"type": "layers", "diff_ids": []}}')


def a_layer_of_the_image_is_forgotten(faulty):
    """Remove a layer from the image in the database."""
    faulty.store.execute("DELETE FROM image_layers WHERE position = 1")


def the_row_is_gone(faulty):
    """Remove the image's row, and all rows that refer to it."""
    faulty.store.execute("DELETE FROM images")


def the_note_is_gone(faulty):
    """Remove the image's note."""
    faulty.note().unlink()


def the_note_is_torn(faulty):
    """Truncate the image's note to half."""
    faulty.note().write_text(faulty.note().read_text()[:100])


def an_orphan_note(faulty):
    """Leave the note of an image whose layers are gone."""
    faulty.note("d" * 64).write_text("{}")


def something_is_left(faulty):
    """Leave a directory and a file in staging."""
    Path(faulty.layout.staging, "0123456789abcdef").mkdir()
    Path(faulty.layout.staging, "file").write_text("x")


MENDED = {
    a_file_is_gone: [kinds.LAYER_ALTERED],
    a_file_is_another: [kinds.LAYER_ALTERED],
    a_layer_is_gone: [kinds.LAYER_MISSING],
    a_layer_is_empty: [kinds.LAYER_MISSING],
    an_orphan_layer: [kinds.LAYER_UNUSED],
    a_layer_row: [kinds.LAYER_UNUSED],
    a_strange_layer: [kinds.STRANGE],
    a_blob_is_gone: [kinds.BLOB_MISSING],
    a_blob_is_another: [kinds.BLOB_ALTERED],
    the_manifest_is_another: [kinds.BLOB_ALTERED],
    the_manifest_is_of_another: [kinds.MANIFEST, kinds.NOTE],
    an_orphan_blob: [kinds.BLOB_UNUSED],
    a_strange_blob: [kinds.STRANGE],
    the_config_is_another: [kinds.CONFIG],
    a_layer_of_the_image_is_forgotten: [kinds.LAYERS, kinds.LAYER_UNUSED],
    the_row_is_gone: [kinds.UNKNOWN_IMAGE, *[kinds.BLOB_UNUSED] * 4, *[kinds.LAYER_UNUSED] * 2],
    the_note_is_gone: [kinds.NOTE],
    the_note_is_torn: [kinds.NOTE],
    an_orphan_note: [kinds.STRANGE],
    something_is_left: [kinds.LEFT, kinds.LEFT],
}


def contents(faulty):
    """Return the content of the layers."""
    return [
        {path.name: path.read_bytes() for path in layer.rglob("*") if path.is_file()}
        for layer in faulty.layers
    ]


@pytest.mark.parametrize("damage", MENDED, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_a_fault_is_found_and_mended(faulty, damage):
    """A check reports the fault, check mode predicts the repair, and the repair restores everything."""
    assert faulty.check().result["faults"] == []
    before = contents(faulty)
    damage(faulty)
    seen = faulty.check()
    assert [one["kind"] for one in seen.result["faults"]] == MENDED[damage]
    assert (seen.actions, len(seen.warnings)) == ((), len(MENDED[damage]))
    told = faulty.check(repair=True, read_only=True)
    done = faulty.check(repair=True)
    assert (told.actions, told.result) == (done.actions, done.result)
    assert all(one["mended"] for one in done.result["faults"])
    assert faulty.check().result["faults"] == []
    assert contents(faulty) == before
    assert faulty.store.image(faulty.name).id == faulty.record.id
    faulty.pull()
    assert faulty.check().result["faults"] == []


def nothing_is_kept(faulty):
    """Leave a damaged layer without its blob."""
    faulty.blob(faulty.manifest["layers"][0]["digest"]).unlink()
    a_file_is_gone(faulty)


def row_and_note_are_wrong(faulty):
    """Damage both the row and the note."""
    the_note_is_torn(faulty)
    the_config_is_another(faulty)


TOLD = {
    nothing_is_kept: (kinds.LAYER_ALTERED, "Pull it again"),
    row_and_note_are_wrong: (kinds.CONFIG, "Remove it"),
}


@pytest.mark.parametrize("damage", TOLD, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_a_fault_that_can_not_be_mended_is_told(faulty, damage):
    """A fault that can't be repaired remains, with a remedy that works."""
    kind, remedy = TOLD[damage]
    damage(faulty)
    [left] = [one for one in faulty.check(repair=True).result["faults"] if not one["mended"]]
    assert (left["kind"], remedy in left["remedy"]) == (kind, True)
    with faulty.store.host.open() as engine:
        remove_image(engine, faulty.record.id, force=True)
    faulty.check(repair=True)
    faulty.pull()
    assert faulty.check().result["faults"] == []


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_a_container_that_runs_is_not_harmed(faulty, busybox, registry):
    """A layer that a container has mounted is reported, and repaired only after the exit."""
    host = faulty.store.host
    host.build(host.image, busybox)
    host.start("sleep", "1000", mount=[f"type=image,src={faulty.name},dst=/image"], stop_timeout=0)
    a_file_is_another(faulty)
    inode = faulty.layers[1].stat().st_ino
    [fault] = faulty.check(repair=True).result["faults"]
    assert (fault["mended"], "box" in fault["remedy"]) == (False, True)
    assert faulty.layers[1].stat().st_ino == inode
    assert host.inspect()["State"]["Status"] == "running"
    host.bring("box", "stopped", stop_time=0)
    [fault] = faulty.check(repair=True).result["faults"]
    assert fault["mended"]
    assert faulty.layers[1].joinpath("two").read_bytes() == TWO["two"]


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_quick_reads_no_contents(faulty):
    """A quick check finds missing files, and not changed content."""
    a_file_is_another(faulty)
    assert faulty.check(quick=True).result["faults"] == []
    a_layer_is_gone(faulty)
    assert [one["kind"] for one in faulty.check(quick=True).result["faults"]] == [kinds.LAYER_MISSING]


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_a_lost_image_of_a_container(faulty):
    """A container whose image is unknown is reported."""
    host = faulty.store.host
    host.want("created", "true", image=faulty.name)
    the_row_is_gone(faulty)
    the_note_is_gone(faulty)
    found = faulty.check().result["faults"]
    assert [one["subject"] for one in found if one["kind"] == kinds.IMAGE_GONE] == [faulty.record.id]
    host.bring("box", "absent")
    assert all(one["mended"] for one in faulty.check(repair=True).result["faults"])
