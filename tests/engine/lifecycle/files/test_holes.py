# SPDX-License-Identifier: GPL-3.0-or-later
"""Sparse files: copying, packing, comparing and counting them costs only as much as their data."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from _engine.errors import EngineError
from _engine.images.tar import live_tree, tree
from _engine.kernel.files import directory
from _engine.lifecycle.files.copy import CopyRequest, copy
from _engine.lifecycle.files.diff import changed_paths
from _engine.lifecycle.files.export import ExportRequest, export
from _engine.lifecycle.files.volume_export import VolumeExport, export_volume
from _engine.lifecycle.image.import_image import import_image
from _engine.lifecycle.image.remove import remove_image
from _engine.lifecycle.info import info
from _engine.lifecycle.volume.import_archive import VolumeImport, import_volume
from _engine.lifecycle.volume.snapshot import SnapshotRequest, converge_snapshot

FOREVER = ("sleep", "1000")
#: Larger than a disk in CI, and far more than can be read in SOON seconds.
HUGE = 1 << 40
#: Larger than the file systems of disks here support; a tmpfs does.
LARGER_THAN_A_DISK = 1 << 62
SOON = 10
DATA = [(1 << 20, b"begin"), (HUGE // 2, b"middle"), (HUGE - 3, b"end")]


def make(path: Path, size: int = HUGE) -> None:
    """Create a sparse file with three pieces of data."""
    with path.open("wb") as file:
        for offset, data in DATA:
            file.seek(offset)
            file.write(data)
        file.truncate(size)


def is_made(path: Path) -> bool:
    """Return whether the file is as ``make`` wrote it, with its holes."""
    with path.open("rb") as file:
        found = [os.pread(file.fileno(), len(data), offset) for offset, data in DATA]
        info = os.fstat(file.fileno())
    return found == [data for _offset, data in DATA] and info.st_size == HUGE and info.st_blocks < 1000


@contextmanager
def soon(what: str):
    """Fail if the body takes long."""
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin < SOON, what


@pytest.fixture
def box(host):
    """Create a container with sparse files in root file system, volume and tmpfs; return its root."""
    host.start(*FOREVER, volume=["data:/data"], tmpfs={"/scratch": ""}, stop_timeout=0)
    root = Path(f"/proc/{host.inspect()['State']['Pid']}/root")
    for place in ("huge", "data/huge"):
        make(root / place)
    make(root / "scratch/larger", LARGER_THAN_A_DISK)
    return root


def test_copies(host, box, tmp_path):
    """Copies in, out and to the controller keep the holes, and are idempotent: only data is compared."""

    def copied(src: object, dest: object, **options) -> int:
        with soon(f"{src} to {dest}"), host.open() as engine:
            return copy(engine, CopyRequest("box", str(src), str(dest), **options)).result.get("change_count")

    for place in ("/huge", "/data/huge"):
        out = tmp_path / place.replace("/", "-")
        assert copied(place, out, from_container=True) == 1
        assert is_made(out)
        assert copied(place, out, from_container=True) == 0
        assert copied(out, f"{place}-again") == 1
        assert is_made(box / f"{place[1:]}-again")
        assert copied(out, f"{place}-again") == 0
    os.truncate(tmp_path / "-huge", HUGE - 1)
    os.truncate(tmp_path / "-huge", HUGE)
    assert copied("/huge", tmp_path / "-huge", from_container=True) == 1
    parcel = tmp_path / "parcel.tar"
    copied("/huge", "unused", from_container=True, parcel=str(parcel))
    assert parcel.stat().st_size < 1 << 20
    assert copied("huge", "/from-controller", parcel=str(parcel)) == 1
    assert is_made(box / "from-controller")


def test_larger_than_the_disk_takes(host, box, tmp_path):
    """A file too large for the target's file system is refused by name, and nothing of it is left."""
    with soon("refused"), host.open() as engine, pytest.raises((OSError, EngineError)) as caught:
        copy(engine, CopyRequest("box", "/scratch/larger", str(tmp_path / "larger"), from_container=True))
    assert "too large" in str(caught.value)
    assert "larger" in str(caught.value)
    assert os.listdir(tmp_path) == []
    with soon("within the tmpfs"), host.open() as engine:
        parcel = tmp_path / "parcel.tar"
        copy(engine, CopyRequest("box", "/scratch/larger", "x", from_container=True, parcel=str(parcel)))
        copy(engine, CopyRequest("box", "larger", "/scratch/again", parcel=str(parcel)))
    assert (box / "scratch/again").stat().st_size == LARGER_THAN_A_DISK


def test_archives(host, box, tmp_path):
    """An export is as large as the data, and its import has the holes again; for a volume as well."""
    with host.open() as engine:
        with soon("export"):
            export(engine, ExportRequest("box", str(tmp_path / "box.tar")))
        with soon("volume export"):
            export_volume(engine, VolumeExport("data", str(tmp_path / "data.tar")))
    assert (tmp_path / "box.tar").stat().st_size < 10 << 20
    assert (tmp_path / "data.tar").stat().st_size < 1 << 20
    host.volume("other")
    with soon("volume import"), host.open() as engine:
        import_volume(engine, VolumeImport("other", str(tmp_path / "data.tar")))
    assert is_made(host.data("other") / "huge")
    with soon("snapshot"), host.open() as engine:
        converge_snapshot(engine, SnapshotRequest("data", snapshot="s"))
    [kept] = host.data("data").parent.glob("**/s/data/huge")
    assert is_made(kept)


def test_more_holes_than_a_map_takes(tmp_path, monkeypatch):
    """A file with more holes than a tar's map may have is refused by name."""
    monkeypatch.setattr(tree, "MOST_EXTENTS", 2)
    make(tmp_path / "huge")
    with (
        directory(str(tmp_path)) as fd,
        pytest.raises(EngineError, match="'huge', a file with more than 2 holes"),
    ):
        [*live_tree.chunks(fd, "container box", lambda entry: entry)]


def test_what_is_told(host, box):
    """Changes and sizes are determined from metadata, not from a file's content."""
    with soon("diff"), host.open(read_only=True) as engine:
        assert "/huge" in {change.path for change in changed_paths(engine, "box")}
    with soon("size"), host.open(read_only=True) as engine:
        [shape] = info.containers(engine, ["box"], size=True).result["containers"]
    assert shape["SizeRw"] == HUGE


def test_images(host, tmp_path):
    """An image keeps the holes, and so do a volume filled from it and a root without overlay."""
    host.start(*FOREVER, stop_timeout=0)
    make(Path(f"/proc/{host.inspect()['State']['Pid']}/root/tmp/huge"))
    archive, name = str(tmp_path / "box.tar"), "localhost/huge:1"
    with soon("image"), host.open() as engine:
        export(engine, ExportRequest("box", archive))
        import_image(engine, archive, name)
    options = {"image": name, "stop_timeout": 0}
    with soon("filled"):
        host.start(*FOREVER, name="filled", volume=["filled:/tmp"], **options)
    assert is_made(host.data("filled") / "huge")
    with soon("copied"):
        host.want("started", *FOREVER, name="vfs", settings={"storage_driver": "vfs"}, **options)
    assert is_made(Path(f"/proc/{host.inspect('vfs')['State']['Pid']}/root/tmp/huge"))
    host.clear()
    with host.open() as engine:
        remove_image(engine, name)
