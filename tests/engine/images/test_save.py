# SPDX-License-Identifier: GPL-3.0-or-later
"""A saved image loads as the same image: here, in podman and in skopeo, in each format; saving is reproducible."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import tarfile
from pathlib import Path

import pytest
from imagehome import NAME, kind

from _engine.errors import DigestMismatch, InUse, InvalidOption, NotFound, WrongState
from _engine.frozen import replace
from _engine.images.archive.open import open_archive
from _engine.images.blobs import BlobStore
from _engine.images.save import sinks
from _engine.images.save.image import ARCHIVES, DOCKER_ARCHIVE, DOCKER_DIR, FORMS, OCI_ARCHIVE, OCI_DIR
from _engine.images.tar import header as tarheader
from _engine.lifecycle.image.load import load
from _engine.lifecycle.image.remove import remove_image
from _engine.lifecycle.image.tag import tag
from _engine.state import events, images
from _engine.trees import fresh_directory

OTHER = "localhost/other:1"


def content(path) -> dict[str, str]:
    """Return the digests of a file, or of all files below a directory."""
    files = [path] if Path(path).is_file() else sorted(one for one in Path(path).rglob("*") if one.is_file())
    return {str(one.relative_to(path)): hashlib.sha256(one.read_bytes()).hexdigest() for one in files}


@pytest.mark.parametrize("form", FORMS)
def test_round_trip(form, home, away, odder, tmp_path):
    """An image saved and loaded into another engine has the same id, layers and tree."""
    dest = tmp_path / f"saved{kind(form)}"
    (loaded,) = home.load(odder)
    outcome = home.save(dest, form=form)
    assert outcome.actions == (f"saved image {NAME} to {dest}",)
    assert [image["Id"] for image in outcome.result["images"]] == [loaded["Id"]]
    (again,) = away.load(dest, **({"name": NAME} if form == DOCKER_DIR else {}))
    for key in ("Id", "RootFS", "RepoTags", "Config", "Size"):
        assert again[key] == loaded[key]
    third = tmp_path / f"again{kind(form)}"
    away.save(third, form=form)
    assert content(third) == content(dest)


def unread(path):
    """Return what stat(2) returns of a file, without the time of the last read."""
    info = os.stat(path)
    return info.st_ino, info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns


@pytest.mark.parametrize("form", FORMS)
def test_same_again(form, home, odd, tmp_path):
    """Saving again is no change, also in check mode; another image's archive is a change, and is reported."""
    dest = tmp_path / f"saved{kind(form)}"
    home.load(odd)
    assert home.save(dest, form=form, read_only=True).changed
    assert not dest.exists()
    assert home.save(dest, form=form).changed
    before = unread(dest)
    assert not home.save(dest, form=form).changed
    assert not home.save(dest, form=form, read_only=True).changed
    assert unread(dest) == before
    with home.open() as engine:
        tag(engine, NAME, [OTHER])
    changed = home.save(dest, OTHER, form=form, read_only=True)
    assert changed.changed == (form != DOCKER_DIR)  # which stores no names
    assert [one.option for one in changed.differences] == (["image"] if form != DOCKER_DIR else [])


@pytest.mark.parametrize("form", FORMS)
def test_damaged_archive_is_written_again(form, home, odd, tmp_path):
    """An archive with an altered byte in a layer is not taken for the image, and is written again."""
    dest = tmp_path / f"saved{kind(form)}"
    home.load(odd)
    home.save(dest, form=form)
    whole = content(dest)
    largest = max([dest] if dest.is_file() else filter(Path.is_file, dest.rglob("*")), key=os.path.getsize)
    damaged = bytearray(largest.read_bytes())
    at = damaged.index(b"11111111") if b"11111111" in damaged else len(damaged) - 9
    damaged[at] ^= 1
    largest.write_bytes(damaged)
    if form == OCI_ARCHIVE:
        dest.write_bytes(_with_a_damaged_layer(dest))
    assert content(dest) != whole
    assert home.save(dest, form=form).changed
    assert content(dest) == whole


def _with_a_damaged_layer(path: Path) -> bytes:
    data = bytearray(path.read_bytes())
    data[data.index(b"\x1f\x8b\x08") + 40] ^= 1
    return bytes(data)


OTHERS = {
    "nothing of the kind": lambda dest: dest.write_bytes(b"hello"),
    "an empty file": lambda dest: dest.write_bytes(b""),
    "compressed": lambda dest: dest.write_bytes(gzip.compress(dest.read_bytes())),
    "cut short": lambda dest: os.truncate(dest, 3000),
    "without its end": lambda dest: os.truncate(dest, os.path.getsize(dest) - 100_000),
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("form", ARCHIVES)
def test_what_is_there_is_something_else(other, form, home, odd, tmp_path, archives):
    """Another kind of file is replaced and keeps its mode; without ``force`` it is left alone."""
    home.load(odd)
    layer = archives.layer(("noise", {"data": os.urandom(200_000)}))
    home.load(archives.docker(tmp_path / "large.tar", [layer], tag=OTHER))
    dest = tmp_path / "saved.tar"
    home.save(dest, NAME, OTHER, form=form)
    whole = content(dest)
    OTHERS[other](dest)
    dest.chmod(0o640)
    before = content(dest)
    assert not home.save(dest, NAME, OTHER, form=form, force=False).changed
    assert content(dest) == before
    assert home.save(dest, NAME, OTHER, form=form).changed
    assert content(dest) == whole
    assert dest.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("form", [DOCKER_ARCHIVE, OCI_ARCHIVE, OCI_DIR])
def test_several_images(form, home, away, odd, archives, tmp_path):
    """Several images share layers in an archive; the names of one image are grouped, and one by its id has none."""
    home.load(odd)
    shared = archives.layer(("s", {"data": b"s"}))
    for number, name in enumerate((OTHER, "localhost/third:1")):
        layers = [shared, archives.layer((f"f{number}", {}))]
        home.load(archives.docker(tmp_path / "in.tar", layers, tag=name))
    with home.open() as engine:
        tag(engine, NAME, ["localhost/app:2"])
    third = home.record("localhost/third:1")
    dest = tmp_path / f"saved{kind(form)}"
    home.save(dest, NAME, OTHER, "app:2", third.id, form=form)
    got = {image["Id"]: image["RepoTags"] for image in away.load(dest)}
    assert sorted(got.values()) == [[], ["localhost/app:1", "localhost/app:2"], [OTHER]]
    assert got[third.id] == []
    assert not home.save(dest, "app:2", NAME, OTHER, third.id, form=form).changed


def test_an_image_that_was_pulled_keeps_its_digests(home, away, archives, tmp_path):
    """A stored manifest and its blobs are written byte for byte; if a blob is missing, new ones are written."""
    manifest, loaded = _pulled(home, archives, tmp_path, gzip.compress)
    for form in (OCI_ARCHIVE, OCI_DIR):
        dest = tmp_path / f"saved{kind(form)}"
        home.save(dest, form=form)
        assert _digest_in(dest) == archives.digest(manifest)
        assert not home.save(dest, form=form).changed
        assert away.load(dest)[0]["Id"] == loaded
        other = tmp_path / f"of another{kind(form)}"  # with a manifest of its own, because there are no blobs
        away.save(other, form=form)
        assert home.save(other, form=form).changed
        assert _digest_in(other) == archives.digest(manifest)
    for number, options in enumerate(
        ({"form": DOCKER_ARCHIVE}, {"form": DOCKER_DIR}, {"form": OCI_DIR, "compress": False})
    ):
        dest = tmp_path / f"other{number}"
        home.save(dest, **options)
        assert not home.save(dest, **options).changed
        assert away.load(dest)[0]["Id"] == loaded
    blobs = BlobStore(str(home.top / "root/blobs"))
    blobs.remove(json.loads(manifest)["layers"][0]["digest"])
    home.save(tmp_path / "anew.tar", form=OCI_ARCHIVE)
    assert _digest_in(tmp_path / "anew.tar") != archives.digest(manifest)
    assert away.load(tmp_path / "anew.tar")[0]["Id"] == loaded


def _pulled(home, archives, tmp_path, pack):
    """Store an image in the state that a pull leaves; return its manifest and its id."""
    layers = [archives.layer((f"f{number}", {"data": os.urandom(3000)})) for number in range(2)]
    (image,) = home.load(archives.docker(tmp_path / "in.tar", layers, tag=NAME))
    config = archives.config(layers)
    packed = [pack(layer) for layer in layers]
    kinds = ("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip")
    described = [
        {"mediaType": kinds[blob is not config], "digest": archives.digest(blob), "size": len(blob)}
        for blob in (config, *packed)
    ]
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "config": described[0],
            "layers": described[1:],
            "annotations": {"own": "spelling"},
        },
        indent=3,
    ).encode()
    blobs = BlobStore(str(home.top / "root/blobs"))
    for blob in (config, manifest, *packed):
        blobs.put(archives.digest(blob), blob)
    with home.open() as engine, engine.database.transaction() as connection:
        record = images.get(connection, image["Id"])
        images.insert(connection, replace(record, manifest_digest=archives.digest(manifest)))
    return manifest, image["Id"]


def _digest_in(dest: Path) -> str:
    with open_archive(str(dest), staging="/nowhere") as archive:
        return archive.images[0].manifest_digest


def test_a_kept_blob_that_was_altered(home, archives, tmp_path):
    """A blob that does not match its digest is an error, and the destination is unchanged."""
    manifest, _loaded = _pulled(home, archives, tmp_path, gzip.compress)
    path = BlobStore(str(home.top / "root/blobs")).path(json.loads(manifest)["layers"][1]["digest"])
    Path(path).write_bytes(Path(path).read_bytes()[:-1] + b"x")
    dest = tmp_path / "saved.tar"
    dest.write_bytes(b"before")
    with pytest.raises(DigestMismatch, match=r"altered in the store.*load or pull"):
        home.save(dest, form=OCI_ARCHIVE)
    assert dest.read_bytes() == b"before"


def test_compress(home, odd, tmp_path):
    """``compress`` selects the compression if the format leaves it open; a docker-archive never has any."""
    home.load(odd)
    packed = {}
    for form in (OCI_ARCHIVE, OCI_DIR, DOCKER_DIR):
        for compress in (None, True, False):
            dest = tmp_path / f"{form}-{compress}"
            home.save(dest, form=form, compress=compress)
            assert not home.save(dest, form=form, compress=compress).changed
            with open_archive(str(dest), staging="/nowhere") as archive:
                kinds = {layer.media_type for layer in archive.images[0].layers}
            (packed[form, compress],) = {"gzip" in one for one in kinds}
    for form in (OCI_ARCHIVE, OCI_DIR):
        assert [packed[form, compress] for compress in (None, True, False)] == [True, True, False]
    assert [packed[DOCKER_DIR, compress] for compress in (None, True, False)] == [False, True, False]
    for form in (OCI_ARCHIVE, OCI_DIR, DOCKER_DIR):
        dest = tmp_path / form
        changes = [
            home.save(dest, form=form, compress=compress).changed for compress in (True, False, False, True)
        ]
        assert changes == [True, True, False, True]
    home.save(tmp_path / "one.tar")
    assert home.save(tmp_path / "one.tar", form=OCI_ARCHIVE, compress=False).changed
    assert home.save(tmp_path / "one.tar").changed
    with pytest.raises(InvalidOption, match=r"compress.*oci-archive"):
        home.save(tmp_path / "x.tar", compress=True)


REFUSED = {
    "no image": (lambda _home, dest: (dest, "nosuch:1"), {}, NotFound),
    "two in docker-dir": (lambda _home, dest: (dest, NAME, OTHER), {"form": DOCKER_DIR}, InvalidOption),
    "a directory for a file": (lambda _home, dest: (dest.parent, NAME), {}, InvalidOption),
    "no directory above": (lambda _home, dest: (dest / "x/y", NAME), {}, InvalidOption),
    "no directory above a directory": (
        lambda _home, dest: (dest / "x/y", NAME),
        {"form": OCI_DIR},
        InvalidOption,
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, home, odd, archives, tmp_path):
    """Impossible requests are refused before anything is written."""
    home.load(odd)
    home.load(archives.docker(tmp_path / "in.tar", [archives.layer(("f", {}))], tag=OTHER))
    arguments, options, error = REFUSED[case]
    with pytest.raises(error):
        home.save(*arguments(home, tmp_path / "saved"), **options)
    assert sorted(os.listdir(tmp_path)) == ["first", "in.tar", "odd.tar"]


@pytest.mark.parametrize("form", [OCI_DIR, DOCKER_DIR])
def test_a_directory_of_something_else_is_left_alone(form, home, odd, tmp_path):
    """A directory with other content is not replaced; an empty one is, and keeps its mode."""
    home.load(odd)
    dest = tmp_path / "saved"
    dest.mkdir(mode=0o750)
    home.save(dest, form=form)
    assert dest.stat().st_mode & 0o777 == 0o750
    assert sorted(os.listdir(tmp_path)) == ["first", "odd.tar", "saved"]
    dest.joinpath("mine").write_text("")
    with pytest.raises(InvalidOption, match="mine"):
        home.save(dest, form=form)
    assert dest.joinpath("mine").exists()
    for other in ("deadbeef" * 8, "blobs"):
        (tmp_path / "own").mkdir()
        (tmp_path / "own" / other).mkdir()
        with pytest.raises(InvalidOption, match=other):
            home.save(tmp_path / "own", form=form)
        shutil.rmtree(tmp_path / "own")


def test_a_form_takes_the_place_of_the_other(home, away, odd, tmp_path):
    """A directory of one format is replaced by one of the other."""
    (loaded,) = home.load(odd)
    for form in (OCI_DIR, DOCKER_DIR, OCI_DIR):
        assert home.save(tmp_path / "saved", form=form).changed
        assert away.load(tmp_path / "saved", name=NAME)[0]["Id"] == loaded["Id"]


def test_two_at_once(home, odd, tmp_path):
    """A directory that another task is filling is an error; the leftovers of a killed task are no obstacle."""
    home.load(odd)
    dest = tmp_path / "saved"
    with fresh_directory.fresh_directory(str(dest)) as _held, pytest.raises(InUse, match="another task"):
        home.save(dest, form=OCI_DIR)
    left = tmp_path / ".saved.slipway-new"
    left.mkdir()
    left.joinpath("blobs").mkdir()
    home.save(dest, form=OCI_DIR)
    assert not left.exists()


def test_a_layer_of_an_older_engine(home, odd, tmp_path):
    """A layer without a recipe is an error with a remedy, in check mode too; the remedy helps."""
    home.load(odd)
    for path in (home.top / "root/layers").glob("*/recipe"):
        path.unlink()
    for read_only in (True, False):
        with pytest.raises(WrongState, match="Load or pull its image again"):
            home.save(tmp_path / "saved.tar", read_only=read_only)
    with home.open() as engine:
        outcome = load(engine, str(odd))
        assert len(outcome.actions) == 1
        assert "for saving" in outcome.actions[0]
        assert not load(engine, str(odd)).changed
    assert home.save(tmp_path / "saved.tar").changed


def test_an_image_that_is_removed_meanwhile(home, odd, tmp_path, monkeypatch):
    """Removing an image during a save is reported as that, and the destination is unchanged."""
    home.load(odd)

    def removed(*_arguments, **_options):
        with home.open() as engine:
            remove_image(engine, NAME)
        raise FileNotFoundError

    monkeypatch.setattr("_engine.lifecycle.image.save.write_archive", removed)
    with pytest.raises(WrongState, match="was removed while it was saved"):
        home.save(tmp_path / "saved.tar")
    assert not (tmp_path / "saved.tar").exists()


def test_event(home, odd, tmp_path):
    """A save is an event with libpod's name; a comparison without a change is none."""
    home.load(odd)
    for _time in range(2):
        home.save(tmp_path / "saved.tar")
    with home.open() as engine, engine.database.reading() as connection:
        found = [(one.action, one.name) for one in events.read(connection) if one.kind == "image"]
    assert found == [("load", NAME), ("save", NAME)]


@pytest.mark.parametrize("form", ARCHIVES)
def test_nothing_of_the_host_is_in_an_archive(form, home, odd, tmp_path):
    """An archive contains no time, owner or mode of the saving host."""
    home.load(odd)
    home.save(tmp_path / "saved.tar", form=form)
    with tarfile.open(tmp_path / "saved.tar") as tar:
        found = {(one.mtime, one.uid, one.gid, one.uname, one.gname, one.mode) for one in tar}
    assert found == {(0, 0, 0, "", "", 0o644)}


SINKS = {
    "tar": lambda path, fill: _filled(sinks.TarSink, os.open(path, os.O_RDWR | os.O_CREAT), fill),
    "directory": lambda path, fill: _filled(
        sinks.DirectorySink, (path.mkdir(), os.open(path, os.O_RDONLY))[1], fill
    ),
}


def _filled(sink, fd, fill):
    """Fill a sink; return the result of the function that fills it."""
    try:
        made = sink(fd, "here")
        found = fill(made)
        getattr(made, "finish", lambda: None)()
        return found
    finally:
        os.close(fd)


@pytest.mark.parametrize("kind_of_sink", SINKS)
def test_what_is_written_twice_is_there_once(kind_of_sink, tmp_path):
    """A file written twice, by its digest or by its name, is stored once; its mode does not depend on the umask."""
    content = b"some" * 1000
    name = f"b/c/{hashlib.sha256(content).hexdigest()}"

    def fill(sink):
        digests = [sink.put_digested("b/c", iter([content])) for _time in range(2)]
        sink.put(name, iter([b"is not read"]))
        sink.put("last", iter([b"1"]))
        return digests

    before = os.umask(0o077)
    try:
        assert SINKS[kind_of_sink](tmp_path / "sink", fill) == [(f"sha256:{name[4:]}", 4000)] * 2
    finally:
        os.umask(before)
    if kind_of_sink == "tar":
        with tarfile.open(tmp_path / "sink") as tar:
            found = {one.name: (one.mode, tar.extractfile(one).read()) for one in tar}
            assert len(tar.getnames()) == 2
    else:
        files = [one for one in (tmp_path / "sink").rglob("*") if one.is_file()]
        found = {
            str(one.relative_to(tmp_path / "sink")): (one.stat().st_mode & 0o777, one.read_bytes())
            for one in files
        }
        assert (tmp_path / "sink/b").stat().st_mode & 0o777 == 0o755
    assert found == {name: (0o644, content), "last": (0o644, b"1")}


@pytest.mark.parametrize("size", [0, 1, 8**11 - 1, 8**11, 1 << 40])
def test_size_of_a_large_file(size):
    """The header of a file too large for octal digits has the same length, and other programs read it."""
    header = sinks._header("blobs/sha256/x", size)
    assert len(header) == 512
    assert tarfile.TarInfo.frombuf(header, "utf-8", "strict").size == tarheader.parse(header).size == size
