# SPDX-License-Identifier: GPL-3.0-or-later
"""Images as all kinds of tools make them: those that a machine has, run; those of others by hand, with what is odd about them.

`make(name, top, …)` gives each as the file or directory that it is, and how skopeo calls it.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from fulltree import fill

from _engine.kernel import mounts
from debianimage import debian_archive
from dockerarchive import busybox_layer, write_archive
from imagearchives import Archives
from imagescenarios import CAPABILITY, LINK, ODD, SCENARIOS, SYMLINK
from registries import run

NAME = "localhost/test:1"
_CACHE = Path(__file__).parents[2] / ".build/debian"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


class Made(NamedTuple):
    """An image on the disk: where, and what skopeo calls it."""

    path: Path
    source: str


Maker = Callable[[Path], Made]
#: All of them, by name.
MAKERS: dict[str, Maker] = {}


def maker(name: str) -> Callable[[Maker], Maker]:
    """Add a function that makes an image in a directory of its own."""

    def add(make: Maker) -> Maker:
        MAKERS[name] = make
        return make

    return add


def _docker(path: Path) -> Made:
    return Made(path, f"docker-archive:{path}")


def _layout(path: Path, tag: str = "1") -> Made:
    return Made(path, f"{'oci' if path.is_dir() else 'oci-archive'}:{path}:{tag}")


# Made by tools


@maker("debootstrap")
def _debian(_top: Path) -> Made:
    return _docker(debian_archive(_CACHE))


@maker("busybox")
def _busybox(top: Path) -> Made:
    layers = [busybox_layer(shutil.which("busybox") or "/bin/busybox")]
    return _docker(write_archive(top / "image.tar", NAME, layers, Cmd=["sh"]))


@maker("umoci")
def _umoci(top: Path) -> Made:
    return _by_umoci(top, _first, _second, _third)


@maker("umoci, a directory becomes a link")
def _umoci_link(top: Path) -> Made:
    return _by_umoci(top, _first, _second, _replaced)


def _by_umoci(top: Path, *changes: Callable[[Path], None]) -> Made:
    """Pack a layer after each change; what it unpacks to by umoci stays in ``bundle``."""
    layout, bundle = top / "layout", top / "bundle"
    image = f"{layout}:1"
    run(["umoci", "init", "--layout", layout])
    run(["umoci", "new", "--image", image])
    run(["umoci", "unpack", "--image", image, bundle])
    for change in changes:
        change(bundle / "rootfs")
        run(["umoci", "repack", "--refresh-bundle", "--image", image, bundle])
    return _layout(layout)


@maker("buildah")
def _buildah(top: Path) -> Made:
    """Commit a container after each change."""
    with _storage(top, "buildah") as buildah:
        base = "scratch"
        for number, change in enumerate((_first, _second, _third, _replaced)):
            container = buildah("from", "--pull-never", base)
            change(Path(buildah("mount", container)))
            buildah("umount", container)
            base = f"localhost/stage:{number}"
            buildah("commit", "--quiet", "--rm", container, base)
        buildah("push", "--quiet", base, f"oci-archive:{top}/image.tar:1")
    return _layout(top / "image.tar")


def _first(root: Path) -> None:
    """Make a tree."""
    fill(root / "tree")
    (root / "tree/socket").unlink()  # no tar holds one
    (root / "tree/.wh.ale").unlink()  # and this is a tool's word
    for name in ("emptied/below/a", "removed/a", "kept/a", "replaced/a"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(name)


def _second(root: Path) -> None:
    """Alter what is there, and add to it."""
    (root / "kept/b").write_text("b")
    os.link(root / "kept/b", root / "kept/c")
    os.chmod(root / "kept/a", 0o4711)
    os.chown(root / "tree/long link", 7, 8, follow_symlinks=False)
    os.setxattr(root / "kept/b", "security.capability", CAPABILITY)
    _touch(root / "kept")


def _third(root: Path) -> None:
    """Take away."""
    shutil.rmtree(root / "removed")
    shutil.rmtree(root / "emptied")
    (root / "emptied").mkdir(0o700)
    (root / "tree/fifo").unlink()
    (root / "tree/another name").unlink()
    _touch(root / "tree", root / "emptied")


def _touch(*paths: Path) -> None:
    """Give directories another time, since umoci lists those alone whose time is that of another second."""
    for path in paths:
        os.utime(path, (1_650_000_000, 1_650_000_000))


def _replaced(root: Path) -> None:
    """Put a link in the place of a directory."""
    shutil.rmtree(root / "replaced")
    (root / "replaced").symlink_to("kept")


@contextmanager
def _storage(top: Path, program: str) -> Iterator[Callable[..., str]]:
    """Return a function that runs podman or buildah with a storage of its own, which is gone afterwards."""
    run_root = tempfile.mkdtemp(
        prefix="podman-run-"
    )  # podman wants it to be shorter than a test's directory is
    options = ["--root", top / "storage", "--runroot", run_root, "--storage-driver", "overlay"]
    try:
        yield lambda *words: run([program, *options, *words]).strip()
    finally:
        mounts.unmount_below(str(top / "storage"))
        mounts.unmount_below(run_root)
        shutil.rmtree(top / "storage", ignore_errors=True)
        shutil.rmtree(run_root)


def _podman_save(top: Path, form: str) -> Path:
    whole = _docker_of(top / "given.tar", "every type", "whiteouts")
    with _storage(top, "podman") as podman:
        podman("load", "--quiet", "--input", whole)
        podman("save", "--quiet", "--format", form, "--output", top / "image.tar", NAME)
    return top / "image.tar"


@maker("docker-archive of podman 4")
def _of_podman(top: Path) -> Made:
    return _docker(_podman_save(top, "docker-archive"))


@maker("oci-archive of podman 4")
def _oci_of_podman(top: Path) -> Made:
    return Made(path := _podman_save(top, "oci-archive"), f"oci-archive:{path}:{NAME}")


def _copied(top: Path, *words: str) -> Made:
    whole = _docker_of(top / "given.tar", "every type", "whiteouts", "hard links over layers")
    run(["skopeo", "copy", "--quiet", *words, f"docker-archive:{whole}", f"oci:{top}/layout:1"])
    return _layout(top / "layout")


@maker("zstd layers")
def _zstd(top: Path) -> Made:
    return _copied(top, "--dest-compress-format=zstd")


@maker("zstd:chunked of skopeo 1.9")
def _zstd_chunked(top: Path) -> Made:
    return _copied(top, "--dest-compress-format=zstd:chunked")


@maker("layers that are not compressed")
def _plain(top: Path) -> Made:
    return _copied(top, "--dest-decompress")


# Made by hand, as tools do it that are not at hand


def _layers_of(*names: str) -> list[bytes]:
    return [Archives.layer(*entries) for name in names for entries in {**SCENARIOS, **ODD}[name]]


def _docker_of(path: Path, *names: str) -> Path:
    return Archives.docker(path, _layers_of(*names), tag=NAME)


def _blob(data: bytes, kind: str) -> dict[str, Any]:
    return {"mediaType": kind, "digest": Archives.digest(data), "size": len(data)}


def _oci(
    layers: Sequence[bytes], stored: Sequence[bytes], kind: str
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return the blobs of an OCI image, and its manifest's descriptor; ``stored`` are the layers as they are kept."""
    config = Archives.config(layers)
    blobs = [_blob(data, kind) for data in stored]
    document = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": _blob(config, _CONFIG), "layers": blobs}
    manifest = json.dumps(document).encode()
    members = {
        f"blobs/sha256/{hashlib.sha256(data).hexdigest()}": data for data in (config, manifest, *stored)
    }
    return members, _blob(manifest, _MANIFEST)


def _index(*descriptors: dict[str, Any]) -> bytes:
    return json.dumps({"schemaVersion": 2, "manifests": descriptors}).encode()


def _write_layout(top: Path, members: dict[str, bytes], *descriptors: dict[str, Any]) -> Made:
    ref = {"org.opencontainers.image.ref.name": "1"}
    named = [{**one, "annotations": ref} for one in descriptors]
    for name, data in {
        **members,
        "index.json": _index(*named),
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
    }.items():
        (top / "layout" / name).parent.mkdir(parents=True, exist_ok=True)
        (top / "layout" / name).write_bytes(data)
    return _layout(top / "layout")


@maker("docker-archive of docker 25")
def _docker_25(top: Path) -> Made:
    """Write an OCI layout with plain layers, and manifest.json beside it, in which one layer is there twice."""
    layers = [*_layers_of("every type", "whiteouts"), Archives.layer()]
    layers = [*layers, layers[-1]]
    members, manifest = _oci(layers, layers, _LAYER)
    config, places = (
        Archives.config(layers),
        [f"blobs/sha256/{hashlib.sha256(one).hexdigest()}" for one in layers],
    )
    item = {
        "Config": f"blobs/sha256/{hashlib.sha256(config).hexdigest()}",
        "RepoTags": [NAME],
        "Layers": places,
        "LayerSources": {Archives.digest(one): _blob(one, _LAYER) for one in layers},
    }
    notes = {"io.containerd.image.name": NAME, "org.opencontainers.image.ref.name": "1"}
    files = {
        **members,
        "index.json": _index({**manifest, "annotations": notes}),
        "manifest.json": json.dumps([item]).encode(),
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "repositories": json.dumps({"localhost/test": {"1": places[-1][13:]}}).encode(),
    }
    return _docker(Archives.tar(top / "image.tar", files.items()))


@maker("docker-archive of docker 20")
def _docker_20(top: Path) -> Made:
    """Write a directory a layer, and the json of docker 1."""
    layers = _layers_of("kinds that change", "hard links over layers")
    config = Archives.config(layers)
    ids = [hashlib.sha256(b"%d" % number + layer).hexdigest() for number, layer in enumerate(layers)]
    files: dict[str, bytes] = {}
    for parent, one, layer in zip(["", *ids], ids, layers):
        old = {"id": one, **({"parent": parent} if parent else {}), "os": "linux"}
        files |= {
            f"{one}/VERSION": b"1.0",
            f"{one}/json": json.dumps(old).encode(),
            f"{one}/layer.tar": layer,
        }
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    item = {"Config": name, "RepoTags": [NAME], "Layers": [f"{one}/layer.tar" for one in ids]}
    files |= {name: config, "manifest.json": json.dumps([item]).encode()}
    files |= {"repositories": json.dumps({"localhost/test": {"1": ids[-1]}}).encode()}
    return _docker(Archives.tar(top / "image.tar", files.items()))


@maker("docker-archive with compressed layers")
def _compressed(top: Path) -> Made:
    """Compress each layer in another way; the configuration tells what they are unpacked."""
    layers = _layers_of("whiteouts", "hard links over layers")
    packed = [
        pack(layer)
        for pack, layer in zip((gzip.compress, lzma.compress, bz2.compress, _zstd_of, bytes), layers)
    ]
    places = [f"{number}.tar" for number in range(len(layers))]
    item = {"Config": "config.json", "RepoTags": [NAME], "Layers": places}
    files = [*zip(places, packed), ("config.json", Archives.config(layers))]
    return _docker(Archives.tar(top / "image.tar", [*files, ("manifest.json", json.dumps([item]).encode())]))


@maker("nix")
def _nix(top: Path) -> Made:
    """One second after the epoch, names from the root, nothing writable, links to the store; the manifest comes last."""
    plain = {"mtime": 1, "uname": "root", "gname": "root"}
    parents = [(f"{name}/", {**plain, "mode": 0o755}) for name in ("/nix", "/nix/store")]
    layers = [
        Archives.layer(
            *parents,
            (f"/nix/store/{one}/", {**plain, "mode": 0o555}),
            (f"/nix/store/{one}/bin/", {**plain, "mode": 0o555}),
            (f"/nix/store/{one}/bin/{one}", {**plain, "mode": 0o555, "data": one.encode()}),
        )
        for one in ("glibc", "bash", "hello")
    ]
    links = [
        (f"./bin/{one}", {**SYMLINK, "linkname": f"/nix/store/{one}/bin/{one}", **plain})
        for one in ("bash", "hello")
    ]
    layers.append(
        Archives.layer(("./", {**plain, "mode": 0o755}), ("./bin/", {**plain, "mode": 0o755}), *links)
    )
    return _docker(Archives.docker(top / "image.tar", layers, tag=NAME))


@maker("bazel")
def _bazel(top: Path) -> Made:
    """No parent directories, time 0, nothing writable; the manifest comes first, and the layers last to first."""
    plain = {"mtime": 0, "mode": 0o555}
    layers = [
        Archives.layer(
            ("./app/lib/deep/er/one.so", {**plain, "data": b"1"}), ("./app/bin/tool", {**plain, "data": b"2"})
        ),
        Archives.layer(
            ("./app/bin/other", {**plain, "data": b"3"}), ("./etc/app/conf", {**plain, "data": b"4"})
        ),
        Archives.layer(
            ("app/lib/deep/.wh.er", plain), ("usr/share/x", {**plain, **SYMLINK, "linkname": "../../app"})
        ),
    ]
    config = Archives.config(layers)
    places = [f"{hashlib.sha256(layer).hexdigest()}/layer.tar" for layer in layers]
    item = {"Config": "config.json", "RepoTags": [NAME], "Layers": places}
    files = [
        ("manifest.json", json.dumps([item]).encode()),
        *reversed([*zip(places, layers), ("config.json", config)]),
    ]
    return _docker(Archives.tar(top / "image.tar", files))


@maker("kaniko")
def _kaniko(top: Path) -> Made:
    """Name the root, link by whole paths, tell again in each layer what is above, and tell parts of a second."""
    when = {"mtime": 1_700_000_000.987654321}
    layers = [
        Archives.layer(
            ("//", when),
            ("workspace/", {**when, "mode": 0o700}),
            ("workspace/hello", {**when, "data": b"hello", "uid": 1000}),
            ("workspace/link", {**LINK, **when, "linkname": "/workspace/hello"}),
            ("workspace/gone", when),
        ),
        Archives.layer(
            ("workspace/", {**when, "mode": 0o755}), ("workspace/.wh.gone", when), ("workspace/new", when)
        ),
    ]
    stored = [gzip.compress(layer, mtime=0) for layer in layers]
    members, manifest = _oci(layers, stored, f"{_LAYER}+gzip")
    return _write_layout(top, members, manifest)


@maker("130 layers")
def _many(top: Path) -> Made:
    """Each layer adds, and takes away what an earlier one has added."""
    layers = [
        Archives.layer(
            ("d/", {"mode": 0o700 + number % 8}),
            (f"d/{number}", {"data": b"%d" % number}),
            (f"d/.wh.{number - 7}", {}),
        )
        for number in range(130)
    ]
    return _docker(Archives.docker(top / "image.tar", layers, tag=NAME))


@maker("gzip in several members")
def _members(top: Path) -> Made:
    """As pigz and eStargz write it."""
    layers = _layers_of("every type")
    stored = [
        b"".join(gzip.compress(layer[start : start + 700], mtime=0) for start in range(0, len(layer), 700))
        for layer in layers
    ]
    members, manifest = _oci(layers, stored, f"{_LAYER}+gzip")
    return _write_layout(top, members, manifest)


@maker("zstd in several frames")
def _frames(top: Path) -> Made:
    """Compress piece by piece, with frames between that are no content, as zstd:chunked has them."""
    layers = _layers_of("every type", "whiteouts")
    aside = struct.pack("<II", 0x184D2A50, 5) + b"aside"
    stored = [
        b"".join(_zstd_of(layer[start : start + 2048]) + aside for start in range(0, len(layer), 2048))
        for layer in layers
    ]
    members, manifest = _oci(layers, stored, f"{_LAYER}+zstd")
    return _write_layout(top, members, manifest)


def _zstd_of(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-qc"], input=data, capture_output=True, check=True).stdout


@maker("several platforms")
def _platforms(top: Path) -> Made:
    """Write an index of images for four processors, of which each has a file of its own."""
    members: dict[str, bytes] = {}
    descriptors = []
    for name in ("riscv64", "amd64", "arm64", "s390x"):
        layers = [Archives.layer((name, {"data": name.encode()}))]
        blobs, manifest = _oci(layers, layers, _LAYER)
        members |= blobs
        descriptors.append({**manifest, "platform": {"os": "linux", "architecture": name}})
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": descriptors,
    }
    data = json.dumps(index).encode()
    members[f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"] = data
    return _write_layout(top, members, _blob(data, index["mediaType"]))


@maker("the same layer twice")
def _twice(top: Path) -> Made:
    one, other = (
        Archives.layer(("a", {"data": b"1"}), ("d/x", {})),
        Archives.layer((".wh.a", {}), ("d/", {"mode": 0o700})),
    )
    return _docker(Archives.docker(top / "image.tar", [one, other, one, other, one], tag=NAME))


@maker("layers without anything")
def _empty(top: Path) -> Made:
    """Two blocks of zeroes, and nothing at all."""
    layers = [Archives.layer(("a", {})), bytes(1024), bytes(10240)]
    return _docker(Archives.docker(top / "image.tar", layers, tag=NAME))


@maker("a tar without its end")
def _endless(top: Path) -> Made:
    """Leave out the blocks of zeroes that should follow the last entry."""
    whole = Archives.layer(("a", {"data": b"1" * 700}), ("b", {}))
    return _docker(
        Archives.docker(
            top / "image.tar", [whole.rstrip(b"\0") + bytes(-len(whole.rstrip(b"\0")) % 512)], tag=NAME
        )
    )


def _gnu_tar(form: Sequence[str]) -> Maker:
    def make(top: Path) -> Made:
        fill(top / "tree")
        (top / "tree/socket").unlink()
        (top / "tree/.wh.ale").unlink()
        argv = ["tar", "--numeric-owner", "--sort=name", *form, "-C", top / "tree", "-c", "."]
        tar = subprocess.run(argv, capture_output=True, check=True).stdout
        return _docker(Archives.docker(top / "image.tar", [tar], tag=NAME))

    return make


_XATTRS = ("--format=posix", "--xattrs", "--xattrs-include=*")
for _name, _form in {
    "GNU tar, everything": _XATTRS,
    "GNU tar, sparse 0.0": (*_XATTRS, "--sparse", "--sparse-version=0.0"),
    "GNU tar, sparse 0.1": (*_XATTRS, "--sparse", "--sparse-version=0.1"),
    "GNU tar, sparse 1.0": (*_XATTRS, "--sparse", "--sparse-version=1.0"),
    "GNU tar, old format": ("--format=gnu",),
}.items():
    MAKERS[_name] = _gnu_tar(_form)


def _scenario(name: str) -> Maker:
    return lambda top: _docker(_docker_of(top / "image.tar", name))


for _name in (*SCENARIOS, *ODD):
    MAKERS[_name] = _scenario(_name)


def make(name: str, top: Path) -> Made:
    """Make an image in a directory, which is made."""
    top.mkdir(parents=True)
    return MAKERS[name](top)
