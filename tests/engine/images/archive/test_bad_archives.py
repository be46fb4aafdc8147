# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged and hostile archives give an error that says what is wrong, and leave nothing."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import struct
import tarfile

import pytest

from _engine.errors import ArchiveBroken, DigestMismatch, HostLacks, NotFound, StoreFull, UnsafeEntry
from _engine.images.archive.open import open_archive
from _engine.kernel import libc, mounts

LINK = {"type": tarfile.LNKTYPE}
SYMLINK = {"type": tarfile.SYMTYPE}
INDEX = "application/vnd.oci.image.index.v1+json"


class Layout:
    """An OCI image layout as a dict of its files, to be damaged and written."""

    def __init__(self, archives, layer, *, media_type="application/vnd.oci.image.layer.v1.tar+gzip"):
        self.archives = archives
        self.files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
        self.layer = gzip.compress(layer, mtime=0)
        self.config = archives.config([layer])
        self.manifest = {
            "schemaVersion": 2,
            "config": self.blob(self.config),
            "layers": [{**self.blob(self.layer), "mediaType": media_type}],
        }
        self.point(self.manifest)

    def blob(self, data):
        """Add a blob; return its descriptor."""
        digest = self.archives.digest(data)
        self.files[self.name(digest)] = data
        return {"digest": digest, "size": len(data)}

    @staticmethod
    def name(digest):
        """Return the file name of a blob."""
        return "blobs/" + digest.replace(":", "/")

    def point(self, manifest, **more):
        """Make index.json refer to this manifest."""
        self.top({"manifests": [{**self.blob(json.dumps(manifest).encode()), **more}]})

    def top(self, index):
        """Write index.json."""
        self.files["index.json"] = json.dumps(index).encode()

    def write(self, path):
        """Write an OCI archive."""
        return self.archives.tar(path, self.files.items())


def spoilt_layer(layout):
    """Change a byte of the compressed layer."""
    name = layout.name(layout.archives.digest(layout.layer))
    layout.files[name] = layout.layer[:40] + b"\xff" + layout.layer[41:]


def cut_layer(layout):
    """Truncate the layer's blob."""
    layout.files[layout.name(layout.archives.digest(layout.layer))] = layout.layer[:-20]


def cut_compression(layout):
    """Make a blob with the right digest that ends within the compressed data."""
    layout.manifest["layers"] = [layout.blob(layout.layer[:-20])]
    layout.point(layout.manifest)


def wrong_diff_id(layout):
    """Make the configuration list another diff id."""
    layout.manifest["config"] = layout.blob(layout.archives.config([b"another"]))
    layout.point(layout.manifest)


def missing_layer(layout):
    """Remove the layer's blob."""
    del layout.files[layout.name(layout.archives.digest(layout.layer))]


def foreign_layer(layout):
    """Refer to a layer that only its owner provides."""
    missing_layer(layout)
    layout.manifest["layers"][0]["mediaType"] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    layout.point(layout.manifest)


def encrypted_layer(layout):
    """Refer to an encrypted layer."""
    layout.manifest["layers"][0]["mediaType"] += "+encrypted"
    layout.point(layout.manifest)


def missing_config(layout):
    """Remove the configuration."""
    del layout.files[layout.name(layout.archives.digest(layout.config))]


def spoilt_config(layout):
    """Alter the configuration."""
    layout.files[layout.name(layout.archives.digest(layout.config))] += b" "


def cut_config(layout):
    """Truncate the configuration."""
    layout.files[layout.name(layout.archives.digest(layout.config))] = layout.config[:-1]


def bad_index(layout):
    """Make index.json invalid JSON."""
    layout.files["index.json"] = b'{"manifests": ['


def deep_index(layout):
    """Nest JSON too deep for a parser."""
    layout.files["index.json"] = b"[" * 100_000


def index_of_wrong_types(layout):
    """Put a list in place of an object."""
    layout.files["index.json"] = b'{"manifests": {"digest": 5}}'


def huge_index(layout):
    """Make index.json larger than a document may be."""
    layout.files["index.json"] = b" " * (4 << 20) + b"{}"


def path_for_digest(layout):
    """Put a path in place of a digest."""
    layout.top({"manifests": [{"digest": "sha256:../../../../etc/passwd", "size": 3}]})


def other_platforms(layout):
    """Offer two images, neither for this host."""
    one = layout.blob(json.dumps(layout.manifest).encode())
    kinds = [{"os": "linux", "architecture": "mips64le"}, {"os": "windows", "architecture": "amd64"}]
    index = layout.blob(json.dumps({"manifests": [{**one, "platform": kind} for kind in kinds]}).encode())
    layout.top({"manifests": [{**index, "mediaType": INDEX}]})


def endless_indexes(layout):
    """Nest indexes endlessly."""
    descriptor = layout.blob(json.dumps(layout.manifest).encode())
    for _depth in range(6):
        index = json.dumps({"manifests": [descriptor]}).encode()
        descriptor = {**layout.blob(index), "mediaType": INDEX}
    layout.top({"manifests": [descriptor]})


def more_layers_than_diff_ids(layout):
    """List a layer twice in the manifest."""
    layout.manifest["layers"] *= 2
    layout.point(layout.manifest)


SPOILT = {
    spoilt_layer: (DigestMismatch, "has the digest sha256:"),
    cut_layer: (ArchiveBroken, "truncated"),
    cut_compression: (ArchiveBroken, "gzip data is truncated"),
    wrong_diff_id: (DigestMismatch, "unpacked, has the digest"),
    missing_layer: (ArchiveBroken, "lacks the"),
    foreign_layer: (ArchiveBroken, "not distributable"),
    encrypted_layer: (ArchiveBroken, "is encrypted"),
    missing_config: (ArchiveBroken, "lacks the"),
    spoilt_config: (DigestMismatch, "has the digest"),
    cut_config: (ArchiveBroken, "truncated"),
    bad_index: (ArchiveBroken, "not valid JSON"),
    deep_index: (ArchiveBroken, "not valid JSON"),
    index_of_wrong_types: (ArchiveBroken, "not a list"),
    huge_index: (ArchiveBroken, "more than"),
    path_for_digest: (ArchiveBroken, "not a valid digest"),
    other_platforms: (ArchiveBroken, "only for linux/mips64le, windows/amd64"),
    endless_indexes: (ArchiveBroken, "nested deeper"),
    more_layers_than_diff_ids: (ArchiveBroken, "lists 2 layers"),
}


def nothing_left(tmp_path):
    """Return whatever a layer or a half-made file leaves in the store."""
    return [
        os.listdir(tmp_path / "store" / name)
        for name in ("layers", "staging")
        if (tmp_path / "store" / name).exists()
    ]


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__)
def test_spoilt_layout(spoil, archives, load, tmp_path):
    """A damaged OCI archive is an error that names the fault, and nothing is left."""
    layout = Layout(archives, archives.layer(("file", {"data": os.urandom(100_000)})))
    spoil(layout)
    error, text = SPOILT[spoil]
    with pytest.raises(error, match=text):
        load(layout.write(tmp_path / "image.tar"))
    assert not any(nothing_left(tmp_path))


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("form", ["docker", "oci", "gzip"])
def test_cut_short(form, kept, archives, load, tmp_path):
    """An archive truncated at any point is refused."""
    layer = archives.layer(*((f"file{number}", {"data": os.urandom(5000)}) for number in range(40)))
    path = tmp_path / "image.tar"
    if form == "oci":
        Layout(archives, layer).write(path)
    else:
        archives.docker(path, [layer])
    if form == "gzip":
        path.write_bytes(gzip.compress(path.read_bytes()))
    os.truncate(path, int(os.stat(path).st_size * kept))
    with pytest.raises(ArchiveBroken):
        load(path)
    assert not any(nothing_left(tmp_path))


UNSAFE = {
    "parent directory": [("../escaped", {"data": b"x"})],
    "parent directory inside": [("a/", {}), ("a/../../escaped", {"data": b"x"})],
    "parent directory as name": [("a/..", {"data": b"x"})],
    "root as a file": [(".", {})],
    "through an absolute link": [("out", {**SYMLINK, "linkname": "/tmp"}), ("out/escaped", {"data": b"x"})],
    "parent directory of a link": [("out", {**SYMLINK, "linkname": "/tmp"}), ("out/../../escaped", {})],
    "absolute with a parent directory": [("/../escaped", {"data": b"x"})],
    "through a climbing link to what is outside": [
        ("out", {**SYMLINK, "linkname": "../../../../../../../../../../tmp"}),
        ("out/escaped", {"data": b"x"}),
    ],
    "through two links": [
        ("up", {**SYMLINK, "linkname": "/.."}),
        ("out", {**SYMLINK, "linkname": "up/tmp"}),
        ("out/escaped", {"data": b"x"}),
    ],
    "through proc": [
        ("out", {**SYMLINK, "linkname": "/proc/self/cwd"}),
        ("out/escaped", {"data": b"x"}),
    ],
    "through a link to nowhere": [("out", {**SYMLINK, "linkname": "nowhere"}), ("out/x", {})],
    "through a link to itself": [("out", {**SYMLINK, "linkname": "out"}), ("out/x", {})],
    "directory through a link": [("out", {**SYMLINK, "linkname": "/tmp"}), ("out/escaped/", {})],
    "whiteout through a link": [("out", {**SYMLINK, "linkname": "/tmp"}), ("out/.wh.x", {})],
    "opaque through a link": [("out", {**SYMLINK, "linkname": "/tmp"}), ("out/.wh..wh..opq", {})],
    "whiteout of the parent": [("a/", {}), ("a/.wh...", {})],
    "whiteout of itself": [("a/", {}), ("a/.wh..", {})],
    "whiteout without a name": [("a/", {}), ("a/.wh.", {})],
    "hard link outside": [("h", {**LINK, "linkname": "../../../../etc/passwd"})],
    "hard link to the root": [("h", {**LINK, "linkname": "."})],
}


@pytest.mark.parametrize("case", UNSAFE)
def test_unsafe_entry(case, archives, load, tmp_path):
    """An entry that would leave its layer is an error with its name; nothing is left, inside or outside."""
    before = set(os.listdir("/tmp"))
    with pytest.raises(UnsafeEntry, match=r"the archive's entry .* is refused") as caught:
        load(archives.docker(tmp_path / "image.tar", [archives.layer(*UNSAFE[case])]))
    assert caught.value.fields["entry"]
    assert not any(nothing_left(tmp_path))
    assert (
        "escaped"
        not in {*os.listdir("/tmp"), *os.listdir(tmp_path), *os.listdir(tmp_path / "store")} - before
    )


DEEP = "/".join("d" * 1500)

BROKEN_LAYERS = {
    "no tar": b"this is no tar, and longer than one block of one" * 20,
    "no such hard link": [("h", {**LINK, "linkname": "missing"})],
    "hard link through a link to nothing": [
        ("out", {**SYMLINK, "linkname": "/etc"}),
        ("h", {**LINK, "linkname": "out/passwd"}),
    ],
    "hard link to a directory": [("d/", {}), ("h", {**LINK, "linkname": "d"})],
    "hard link to what the layer hides": [(".wh.a", {}), ("h", {**LINK, "linkname": "a"})],
    "parent is a file": [("a", {}), ("a/b", {})],
    "name too long": [("n" * 256, {})],
    "unknown type": [("a", {"type": b"Z"})],
    "longer than a path can be": [("/".join("d" * 2100), {})],
    "deeper than a path can be, through a link": [
        (f"{DEEP}/", {}),
        (f"{DEEP}/on", {**SYMLINK, "linkname": f"/{DEEP}"}),
        (f"{DEEP}/l", {**SYMLINK, "linkname": "down"}),
        (f"{DEEP}/down/{DEEP}/x", {}),
    ],
    "name with a NUL": [("x", {"pax_headers": {"path": "a\0b"}})],
    "link with a NUL": [("x", {**SYMLINK, "pax_headers": {"linkpath": "a\0b"}})],
    "attribute's name with a NUL": [("x", {"pax_headers": {"SCHILY.xattr.user.\0": "b"}})],
    "sparse name with a NUL": [
        ("x", {"pax_headers": {"GNU.sparse.size": "0", "GNU.sparse.map": "", "GNU.sparse.name": "a\0"}})
    ],
    "attribute without a name": [("x", {"pax_headers": {"SCHILY.xattr.user.": "b"}})],
    "attribute's name too long": [("x", {"pax_headers": {f"SCHILY.xattr.user.{'n' * 300}": "b"}})],
    "attribute too large for any file system": [
        ("x", {"pax_headers": {"SCHILY.xattr.user.a": "b" * 70_000}})
    ],
    "major number too large": [("n", {"type": tarfile.CHRTYPE, "devmajor": 1 << 12, "devminor": 1})],
    "minor number too large": [("n", {"type": tarfile.BLKTYPE, "devmajor": 1, "devminor": 1 << 20})],
    "larger than any file": [
        ("s", {"pax_headers": {"GNU.sparse.size": str(2**63 - 1), "GNU.sparse.map": "0,0"}}),
    ],
}


@pytest.mark.parametrize("case", BROKEN_LAYERS)
def test_broken_layer(case, archives, load, tmp_path):
    """A layer that cannot be unpacked is refused, and nothing is left."""
    content = BROKEN_LAYERS[case]
    layer = content if isinstance(content, bytes) else archives.layer(*content)
    with pytest.raises((ArchiveBroken, UnsafeEntry)):
        load(archives.docker(tmp_path / "image.tar", [layer]))
    assert not any(nothing_left(tmp_path))


def test_an_attribute_that_linux_does_not_take(archives, load, tmp_path):
    """The error for an extended attribute of more than 64 KiB names the limit of Linux."""
    layer = archives.layer(*BROKEN_LAYERS["attribute too large for any file system"])
    with pytest.raises(ArchiveBroken, match=r"attribute user\.a of 70000 bytes; the limit of Linux is 65536"):
        load(archives.docker(tmp_path / "image.tar", [layer]))


@pytest.mark.parametrize("hide", [".wh.a", ".wh.d", "d/.wh..wh..opq"])
def test_hard_link_to_what_is_hidden(hide, archives, load, tmp_path):
    """A hard link cannot restore a file that its own layer has hidden."""
    lower = archives.layer(("a", {}), ("d/", {}), ("d/a", {}))
    target = "a" if hide == ".wh.a" else "d/a"
    upper = archives.layer((hide, {}), ("h", {**LINK, "linkname": target}))
    with pytest.raises(ArchiveBroken, match="does not exist in the image"):
        load(archives.docker(tmp_path / "image.tar", [lower, upper]))


def test_hard_link_to_what_another_layer_hides(archives, load, tmp_path):
    """A hard link cannot restore a file that a layer in between has hidden."""
    layers = [archives.layer((name, {})) for name in ("a", ".wh.a")]
    layers.append(archives.layer(("h", {**LINK, "linkname": "a"})))
    with pytest.raises(ArchiveBroken, match="does not exist in the image"):
        load(archives.docker(tmp_path / "image.tar", layers))


def test_second_layer_is_broken(archives, load, store, tmp_path):
    """Layers below a broken one are kept: they are whole, and the next attempt needs them."""
    good = archives.layer(("a", {}))
    with pytest.raises(UnsafeEntry):
        load(archives.docker(tmp_path / "image.tar", [good, archives.layer(("../x", {}))]))
    assert store.list() == (hashlib.sha256(good).hexdigest(),)


NO_ARCHIVES = {
    "empty": (b"", "is empty"),
    "text": (b"no archive at all, but some text" * 40, "not a tar archive"),
    "compressed text": (gzip.compress(b"text" * 1000), "not a tar archive"),
    "zeroes": (bytes(10240), "contains no image"),
}


@pytest.mark.parametrize("case", NO_ARCHIVES)
def test_no_archive(case, load, tmp_path):
    """A file that is not an image archive is refused."""
    content, text = NO_ARCHIVES[case]
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ArchiveBroken, match=text):
        load(tmp_path / "file")


def test_no_image(archives, load, tmp_path):
    """A tree of files, packed or not, is refused with a hint at image_import."""
    (tmp_path / "tree.tar").write_bytes(archives.layer(("etc/passwd", {})))
    (tmp_path / "tree").mkdir()
    os.mkfifo(tmp_path / "fifo")
    for name in ("tree.tar", "tree"):
        with pytest.raises(ArchiveBroken, match="image_import"):
            load(tmp_path / name)
    with pytest.raises(ArchiveBroken, match="fifo: the archive is not a regular file"):
        load(tmp_path / "fifo")
    with pytest.raises(NotFound):
        load(tmp_path / "missing")


@pytest.mark.parametrize("layers", [["missing/layer.tar"], ["../../etc/passwd"]])
def test_docker_archive_lacks_a_layer(layers, archives, load, tmp_path):
    """A docker archive that lacks listed files is refused."""
    manifest = [{"Config": "c.json", "RepoTags": None, "Layers": layers}]
    files = [("c.json", archives.config([b"x"])), ("manifest.json", json.dumps(manifest).encode())]
    with pytest.raises(ArchiveBroken, match="lacks the"):
        load(archives.tar(tmp_path / "image.tar", files))


def test_docker_archive_with_another_configuration(archives, load, tmp_path):
    """A configuration whose file name is a digest must match it."""
    layer = archives.layer(("a", {}))
    name = f"{'a' * 64}.json"
    manifest = [{"Config": name, "RepoTags": None, "Layers": ["layer.tar"]}]
    files = [
        ("layer.tar", layer),
        (name, archives.config([layer])),
        ("manifest.json", json.dumps(manifest).encode()),
    ]
    with pytest.raises(DigestMismatch):
        load(archives.tar(tmp_path / "image.tar", files))


def test_compressed_archive_leaves_no_file(archives, tmp_path):
    """The temporary decompressed archive is removed afterwards, also after an error."""
    staging = tmp_path / "staging"
    staging.mkdir()
    archive = tmp_path / "image.tar.gz"
    archive.write_bytes(
        gzip.compress(archives.docker(tmp_path / "image.tar", [archives.layer(("a", {}))]).read_bytes())
    )
    with open_archive(str(archive), staging=str(staging)) as opened:
        assert len(opened.images) == 1
    archive.write_bytes(gzip.compress(b"text" * 1000))
    with pytest.raises(ArchiveBroken), open_archive(str(archive), staging=str(staging)):
        pass
    assert os.listdir(staging) == []


def test_bomb(archives, load, tmp_path):
    """A layer with a false size fails at its digest, and takes no more memory than a chunk."""
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=1) as file:
        for _megabyte in range(64):
            file.write(bytes(1 << 20))
    layout = Layout(archives, b"x")
    layout.manifest["layers"] = [layout.blob(bomb.getvalue())]
    layout.point(layout.manifest)
    with pytest.raises(DigestMismatch):
        load(layout.write(tmp_path / "image.tar"))


def test_zstd_is_missing(archives, load, tmp_path, monkeypatch):
    """If the program zstd is missing, the error names it."""
    (tmp_path / "image.tar").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(100))
    monkeypatch.setattr("_engine.kernel.command.find_program", lambda name: None)
    with pytest.raises(HostLacks, match="zstd"):
        load(tmp_path / "image.tar")


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_damaged_zstd(damage, archives, load, need, tmp_path):
    """A damaged zstd archive is refused."""
    import subprocess

    need(shutil.which("zstd"), "zstd")
    plain = archives.docker(tmp_path / "image.tar", [archives.layer(("a", {"data": os.urandom(300_000)}))])
    data = subprocess.run(["zstd", "-qc", plain], capture_output=True, check=True).stdout
    middle = len(data) // 2
    damaged = data[:middle] if damage == "cut" else data[:middle] + struct.pack("Q", 0) + data[middle:]
    (tmp_path / "image.tar.zst").write_bytes(damaged)
    with pytest.raises(ArchiveBroken):
        load(tmp_path / "image.tar.zst")


def test_full_disk(archives, tmp_path):
    """A full disk during unpacking leaves nothing half-made."""
    from _engine.images.layers.store import LayerStore

    archive = archives.docker(
        tmp_path / "image.tar", [archives.layer(("big", {"data": os.urandom(3 << 20)}))]
    )
    small = tmp_path / "small"
    small.mkdir()
    libc.mount("tmpfs", str(small), "tmpfs", 0, "size=1m")
    try:
        store = LayerStore(str(small / "layers"), str(small / "staging"))
        with open_archive(str(archive), staging=str(tmp_path)) as opened:
            (layer,) = opened.images[0].layers
            with opened.layer(layer) as chunks, pytest.raises(StoreFull):
                store.add(layer.chain_id, chunks, lowers=())
        assert store.list() == ()
        assert os.listdir(small / "staging") == []
        archive.write_bytes(gzip.compress(archive.read_bytes()))
        with pytest.raises(StoreFull), open_archive(str(archive), staging=str(small)):
            pass
    finally:
        mounts.unmount(str(small))
