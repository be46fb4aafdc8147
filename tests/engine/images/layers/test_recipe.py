# SPDX-License-Identifier: GPL-3.0-or-later
"""An unpacked layer can be reassembled: byte for byte the tar that it came from, whichever that was."""

from __future__ import annotations

import hashlib
import io
import os
import random
import stat
import subprocess
import tarfile
from collections.abc import Iterator

import pytest

from _engine.errors import DigestMismatch, WrongState
from _engine.images.layers import recipe
from _engine.images.layers.store import LayerStore
from imagescenarios import SCENARIOS

LINK, SYMLINK = {"type": tarfile.LNKTYPE}, {"type": tarfile.SYMTYPE}
CHAIN = "a" * 64
LONG = "d" * 90 + "/" + "f" * 200


def digest(data: bytes) -> str:
    """Return the digest of a tar."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def again(store: LayerStore, data: bytes, *, chunk: int = 1 << 20) -> bytes:
    """Unpack a tar; return the reassembled one."""
    pieces = (data[at : at + chunk] for at in range(0, len(data), chunk))
    store.add(CHAIN, pieces, lowers=())
    return b"".join(store.assemble(CHAIN, diff_id=digest(data)))


def made(form: int, *entries) -> bytes:
    """Return a tar in one of tarfile's formats, with entries of (name, attributes)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, given in entries:
            wanted = dict(given)
            content = wanted.pop("data", b"")
            info = tarfile.TarInfo(name.rstrip("/"))
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            info.size = len(content)
            for key, value in wanted.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


USUAL = (
    ("./", {"mode": 0o755}),
    ("bin/", {"mode": 0o755, "mtime": 1.5}),
    ("bin/app", {"data": os.urandom(100_000), "mode": 0o4755, "uid": 7, "gid": 9}),
    ("bin/link", {**SYMLINK, "linkname": "app"}),
    ("bin/hard", {**LINK, "linkname": "bin/app"}),
    ("empty", {}),
    ("one", {"data": b"1"}),
    ("whole", {"data": b"x" * 512}),
    ("null", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}),
    ("disk", {"type": tarfile.BLKTYPE, "devmajor": 8, "devminor": 1}),
    ("pipe", {"type": tarfile.FIFOTYPE}),
    ("gone/.wh.this", {"data": b"a mark with content"}),
    ("gone/.wh..wh..opq", {}),
)
PAX = (
    (LONG, {"data": b"long name"}),
    ("attributed", {"data": b"x", "pax_headers": {"SCHILY.xattr.user.a": "b", "comment": "kept"}}),
    ("late", {"mtime": 1234567890.123456789, "data": b"y"}),
    ("owned", {"uid": 3_000_000, "gid": 3_000_001}),
)
#: Later entries of a name count, but the replaced ones are in the tar all the same.
REPLACING = {
    "file by file": (("a", {"data": b"long"}), ("a", {"data": b"1"})),
    "many times": tuple(("a", {"data": b"%d" % number * 700}) for number in range(20)),
    "file by directory": (("a", {"data": b"1"}), ("a/", {}), ("a/b", {"data": b"2"})),
    "directory by file": (("a/b/c", {"data": b"1"}), ("a/d", {"data": b"2"}), ("a", {"data": b"3"})),
    "in a directory by a link, then all by a file": (
        *(("a/b/c", {"data": b"1"}), ("a/b/c", {"data": b"2"}), ("a/b/c", {**SYMLINK, "linkname": "x"})),
        *(("a", {"data": b"3"}), ("a/", {}), ("a/b/c", {"data": b"4"})),
    ),
    "linked": (("a", {"data": b"1"}), ("b", {**LINK, "linkname": "a"}), ("a", {"data": b"2"})),
    "directory with linked": (
        *(("d/a", {"data": b"1"}), ("b", {**LINK, "linkname": "d/a"}), ("d", {"data": b"2"})),
    ),
    "by a hard link": (("a", {"data": b"1"}), ("b", {"data": b"2"}), ("b", {**LINK, "linkname": "a"})),
    "through a link": (
        *(("real/", {}), ("way", {**SYMLINK, "linkname": "real"}), ("way/f", {"data": b"1"})),
        *(("way", {"data": b"2"}), ("real/f", {"data": b"3"})),
    ),
}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_kind_of_entry(store, form):
    """Files, links, devices, whiteouts and directories are reassembled in each format of tar."""
    more = {tarfile.USTAR_FORMAT: (), tarfile.GNU_FORMAT: PAX[:1], tarfile.PAX_FORMAT: PAX}[form]
    data = made(form, *USUAL, *more)
    assert again(store, data) == data


@pytest.mark.parametrize("case", REPLACING)
def test_replaced_content_is_kept(store, case):
    """Content that a later entry replaced is reassembled in its place; the layer has the later one."""
    data = made(tarfile.PAX_FORMAT, *REPLACING[case])
    assert again(store, data) == data


def test_replaced_content_is_no_link(store):
    """The kept content of a file with hard links is a copy, so that link counts in the layer are right."""
    for case in ("linked", "directory with linked"):
        store.remove(CHAIN)
        store.add(CHAIN, iter([made(tarfile.PAX_FORMAT, *REPLACING[case])]), lowers=())
        assert os.stat(f"{store.diff_path(CHAIN)}/b").st_nlink == 1


ENDS = {
    "no end at all": lambda data: data[:2048],
    "one block": lambda data: data[:2560],
    "a megabyte of zeroes": lambda data: data + b"\0" * (1 << 20),
    "something else": lambda data: data + b"and then something that is no tar",
}


@pytest.mark.parametrize("end", ENDS)
def test_every_end(store, end):
    """Padding of any length, and any bytes after it, are reassembled."""
    data = ENDS[end](made(tarfile.USTAR_FORMAT, ("a", {"data": b"x" * 1300})))
    assert again(store, data) == data


@pytest.mark.parametrize("chunk", [1, 511, 513, 100_001])
def test_chunks_of_any_size(store, chunk):
    """The sizes of the chunks do not matter."""
    data = made(tarfile.PAX_FORMAT, ("a", {"data": os.urandom(3000)}), ("b", {"data": b"1"}))
    assert again(store, data, chunk=chunk) == data


@pytest.mark.parametrize(
    "form", ["gnu", "oldgnu", "posix --sparse-version=0.0", "posix --sparse-version=0.1", "posix"]
)
def test_sparse_files(store, tmp_path, form):
    """Sparse files are reassembled with their original map, in each of GNU tar's formats."""
    with (tmp_path / "sparse").open("wb") as file:
        for at in range(40):
            file.seek(at * 1_000_000)
            file.write(os.urandom(at * 100 + 1))
        file.truncate(50_000_000)
    command = ["tar", "--sparse", "--format", *form.split(), "-cf", "-", "-C", str(tmp_path), "sparse"]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    assert len(data) < 1_000_000
    assert again(store, data) == data


@pytest.mark.parametrize("name", SCENARIOS)
def test_layers_over_layers(name, store, archives):
    """Layers of all of podman's scenarios, with hard links to lower layers and whiteouts, are reassembled."""
    lowers: list[str] = []
    for number, entries in enumerate(SCENARIOS[name]):
        data, chain_id = archives.layer(*entries), f"{number:064d}"
        store.add(chain_id, iter([data]), lowers=lowers)
        assert b"".join(store.assemble(chain_id, diff_id=digest(data))) == data
        lowers.insert(0, store.diff_path(chain_id))


@pytest.mark.parametrize("form", ["gnu", "posix", "ustar"])
def test_what_gnu_tar_writes(store, tmp_path, form, need):
    """A tree with everything that a file system supports is reassembled in GNU tar's spelling, with attributes."""
    top = tmp_path / "tree"
    for path in ("a/b", "etc"):
        (top / path).mkdir(parents=True)
    (top / "a/file").write_bytes(os.urandom(70_000))
    (top / "a/b/hard").hardlink_to(top / "a/file")
    (top / "etc/link").symlink_to("../a/file")
    (top / ("n" * 99)).write_text("as long as a header takes")
    os.mkfifo(top / "pipe")
    os.mknod(top / "device", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    os.setxattr(top / "a/file", "user.key", b"value")
    os.setxattr(top / "etc", "trusted.key", b"\0\1")
    attributes = ["--xattrs", "--xattrs-include=*"] if form == "posix" else []
    command = ["tar", "--format", form, *attributes, "-cf", "-", "-C", str(top), "."]
    need(os.geteuid() == 0, "root")
    data = subprocess.run(command, check=True, capture_output=True).stdout
    assert again(store, data) == data


def test_random_layers(store):
    """Layers whose entries replace each other at random are reassembled."""
    chance = random.Random(14)
    for _layer in range(60):
        store.remove(CHAIN)
        data = made(tarfile.PAX_FORMAT, *(one for _time in range(40) for one in _some(chance)))
        assert again(store, data) == data


def _some(chance: random.Random) -> Iterator[tuple[str, dict]]:
    """Yield an entry with one of a few names, after the directories that it needs."""
    words = chance.choices("abc", k=chance.randint(1, 3))
    yield from ((f"{'/'.join(words[:depth])}/", {}) for depth in range(1, len(words)))
    size = chance.choice([0, 1, 600, 5000])
    kinds = ("/", {}), ("", {**SYMLINK, "linkname": "nowhere"}), *[("", {"data": chance.randbytes(size)})] * 6
    end, given = chance.choice(kinds)
    yield "/".join(words) + end, given


def test_size_of_a_recipe(store):
    """A recipe takes a few dozen bytes per entry on the disk, and only root can read it."""
    entries = [(f"d{number % 7}/f{number}", {"data": b"%d" % number}) for number in range(5000)]
    data = made(tarfile.PAX_FORMAT, *entries)
    assert again(store, data) == data
    path = os.path.join(os.path.dirname(store.diff_path(CHAIN)), recipe.NAME)
    assert os.path.getsize(path) < 60 * len(entries)
    assert os.stat(path).st_mode & 0o777 == 0o600


def _without(path: str) -> None:
    os.unlink(path)


def _by_a_link(path: str) -> None:
    outside = f"{path}.outside"
    os.rename(path, outside)
    os.symlink(outside, path)


def _by_a_link_above(path: str) -> None:
    os.rename(os.path.dirname(path), f"{os.path.dirname(path)}.moved")
    os.symlink(f"{os.path.dirname(path)}.moved", os.path.dirname(path))


def _other(path: str) -> None:
    with open(path, "r+b") as file:
        file.write(b"other")


@pytest.mark.parametrize(
    "harm", [_without, _by_a_link, _by_a_link_above, _other, lambda path: os.truncate(path, 3)]
)
def test_altered_content(store, harm):
    """Altered content is an error with a remedy during reassembly; a link in its place is not followed."""
    data = made(tarfile.PAX_FORMAT, ("d/a", {"data": b"content"}))
    store.add(CHAIN, iter([data]), lowers=())
    harm(f"{store.diff_path(CHAIN)}/d/a")
    with pytest.raises(DigestMismatch, match=r"altered in the store.*load or pull"):
        b"".join(store.assemble(CHAIN, diff_id=digest(data)))


@pytest.mark.parametrize("size", [0, 5, 17, 30, 60, -20])
def test_damaged_recipe(store, size):
    """A truncated or invalid recipe is an error."""
    data = made(tarfile.PAX_FORMAT, ("d/a", {"data": b"content"}))
    store.add(CHAIN, iter([data]), lowers=())
    path = os.path.join(os.path.dirname(store.diff_path(CHAIN)), recipe.NAME)
    os.truncate(path, os.path.getsize(path) + size if size < 0 else size)
    with pytest.raises(DigestMismatch, match="altered in the store"):
        b"".join(store.assemble(CHAIN, diff_id=digest(data)))


def test_layer_of_an_older_engine(store):
    """A layer without a recipe cannot be reassembled, which is an error; unpacking it again adds one."""
    data = made(tarfile.PAX_FORMAT, ("a", {"data": b"1"}), ("a", {"data": b"2"}))
    store.add(CHAIN, iter([data]), lowers=())
    layer = os.path.dirname(store.diff_path(CHAIN))
    os.unlink(os.path.join(layer, recipe.NAME))
    assert (store.has_recipe(CHAIN), store.can_assemble(CHAIN)) == (False, False)
    with pytest.raises(WrongState, match="Load or pull its image again"):
        b"".join(store.assemble(CHAIN, diff_id=digest(data)))
    store.add_recipe(CHAIN, iter([data]), lowers=())
    assert store.can_assemble(CHAIN)
    assert b"".join(store.assemble(CHAIN, diff_id=digest(data))) == data


def test_too_much_that_is_replaced(store, monkeypatch):
    """A layer that replaces more files than any builder's gets no recipe, and nothing is kept for one."""
    monkeypatch.setattr(recipe, "_MOST_MOVED", 3)
    data = made(tarfile.PAX_FORMAT, *REPLACING["many times"])
    store.add(CHAIN, iter([data]), lowers=())
    assert sorted(os.listdir(os.path.dirname(store.diff_path(CHAIN)))) == ["diff", recipe.NAME]
    assert (store.has_recipe(CHAIN), store.can_assemble(CHAIN)) == (True, False)
    with pytest.raises(WrongState, match="replaces too many of its own files"):
        b"".join(store.assemble(CHAIN, diff_id=digest(data)))
