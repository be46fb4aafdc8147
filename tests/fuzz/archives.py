# SPDX-License-Identifier: GPL-3.0-or-later
"""The edges at which archives are read: images, volumes, checkpoints."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import tars
from edge import Edge, Fault
from grafting import grafted

if TYPE_CHECKING:
    from _engine.lifecycle.core.engine import Engine

#: What a container could not have made by itself: each kind of entry, and names that lead out.
_ENTRIES = (
    ("etc", tarfile.DIRTYPE, "", {}),
    ("etc/passwd", tarfile.REGTYPE, "root:x:0:0::/:/bin/sh\n", {}),
    ("var/run", tarfile.SYMTYPE, "/run", {}),
    ("var/run/app.pid", tarfile.REGTYPE, "1", {}),
    ("etc/hard", tarfile.LNKTYPE, "etc/passwd", {}),
    ("out", tarfile.SYMTYPE, "../../../../outside", {}),
    ("out/canary", tarfile.REGTYPE, "changed", {}),
    ("../../../outside/canary", tarfile.REGTYPE, "changed", {}),
    ("dev/null", tarfile.CHRTYPE, "", {}),
    ("etc/.wh.passwd", tarfile.REGTYPE, "", {}),
    ("etc/.wh..wh..opq", tarfile.REGTYPE, "", {}),
    ("pax", tarfile.REGTYPE, "x", {"SCHILY.xattr.user.a": "b", "mtime": "1.5", "uid": "70000"}),
    ("fifo", tarfile.FIFOTYPE, "", {}),
    (
        "sparse",
        tarfile.REGTYPE,
        "x",
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9"},
    ),
)


def layer(*chosen: int) -> bytes:
    """Return a layer of some of the entries, of all where none is chosen."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for number, (name, kind, text, pax) in enumerate(_ENTRIES):
            if chosen and number not in chosen:
                continue
            entry = tarfile.TarInfo(name)
            entry.type, entry.pax_headers, entry.mode = kind, pax, 0o755
            if kind == tarfile.REGTYPE:
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text.encode()))
            else:
                entry.linkname = text
                archive.addfile(entry)
    return buffer.getvalue()


_LAYER = layer(0, 1)
_CONFIGURATION = json.dumps(tars.config(_LAYER)).encode()
_DOCKER = [{"Config": "config.json", "RepoTags": ["a:1"], "Layers": ["layer.tar"]}]
_MANIFEST = {
    "schemaVersion": 2,
    "config": tars.descriptor("config.v1+json", _CONFIGURATION),
    "layers": [tars.descriptor("layer.v1.tar", _LAYER)],
    "annotations": {"a": "b"},
}
_INDEX = {
    "manifests": [
        {
            **tars.descriptor("manifest.v1+json", json.dumps(_MANIFEST).encode()),
            "platform": {"architecture": "amd64", "os": "linux", "variant": "v8"},
            "annotations": {"org.opencontainers.image.ref.name": "a:1"},
        }
    ],
}
#: By the first byte of an input: what the rest of it is. The whole around it is right, so the mutation gets there.
_WRAPPED: tuple[Callable[[bytes], bytes], ...] = (
    lambda data: tars.docker(tars.repaired(data)),
    lambda data: tars.oci(tars.repaired(data)),
    lambda data: tars.docker(_LAYER, manifest=data),
    lambda data: tars.docker(_LAYER, configuration=data),
    lambda data: tars.oci(_LAYER, index=data),
    lambda data: tars.oci(_LAYER, manifest=data),
    lambda data: tars.oci(_LAYER, configuration=data),
    tars.repaired,
    lambda data: data,
    lambda data: tars.docker(_LAYER, configuration=grafted(tars.config(_LAYER), data)),
    lambda data: tars.oci(_LAYER, configuration=grafted(tars.config(_LAYER), data)),
    lambda data: tars.docker(_LAYER, manifest=grafted(_DOCKER, data)),
    lambda data: tars.oci(_LAYER, manifest=grafted(_MANIFEST, data)),
    lambda data: tars.oci(_LAYER, index=grafted(_INDEX, data)),
)


#: Holds the engine of all inputs: to open one takes longer than to read an input. libFuzzer ends the process.
_OPEN = ExitStack()


def _image_seeds() -> list[bytes]:
    layers = [
        layer(),
        *(layer(number) for number in range(len(_ENTRIES))),
        layer(2, 3),
        layer(5, 6),
        layer(0, 1, 4),
    ]
    return [
        *(b"\0" + one for one in layers),
        *(b"\1" + one for one in layers),
        *(bytes((number,)) + _CONFIGURATION for number in (3, 6)),
        b"\2" + json.dumps(_DOCKER).encode(),
        b"\4" + json.dumps(_INDEX).encode(),
        b"\5" + json.dumps(_MANIFEST).encode(),
        *(bytes((number, 0, 0, 7, 7)) for number in range(9, len(_WRAPPED))),
        b"\7" + tars.docker(_LAYER),
        b"\7" + tars.oci(_LAYER),
        b"\x08" + tars.oci(_LAYER),
    ]


def _images(work: Path) -> Callable[[bytes], None]:
    from _engine.errors import EngineError
    from _engine.lifecycle.host.opening import open_engine
    from _engine.lifecycle.image.load import load
    from _engine.lifecycle.image.remove import remove_image

    archive = work / "image.tar"
    engine = _OPEN.enter_context(open_engine(str(work / "root"), str(work / "run")))

    def read(data: bytes) -> None:
        archive.write_bytes(_WRAPPED[data[0] % len(_WRAPPED)](data[1:]) if data else b"")
        try:
            outcome = load(engine, str(archive))
        except EngineError:
            return
        finally:
            _check_stage(work)
        for image in outcome.result["images"]:
            _check_layers(engine, image["Id"])
            remove_image(engine, image["Id"], force=True)

    return read


def _check_layers(engine: Engine, image_id: str) -> None:
    """Raise DigestMismatch where a layer that was unpacked does not give the tar that it came from."""
    from _engine.images.layers.store import LayerStore
    from _engine.state import images

    store = LayerStore(engine.layout.layers, engine.layout.staging)
    with engine.database.reading() as connection:
        layers = images.get(connection, image_id).layers
    for one in layers:
        if store.can_assemble(one.chain_id):
            for _chunk in store.assemble(one.chain_id, diff_id=one.diff_id):
                pass


def _check_stage(work: Path) -> None:
    """Raise Fault where a load has left something of its own."""
    left = [entry.name for entry in (work / "root/staging").iterdir()]
    if left:
        raise Fault(f"left in the staging directory: {left}")


def _volumes(work: Path) -> Callable[[bytes], None]:
    from _engine.errors import EngineError
    from _engine.lifecycle.converge.volume import converge_volume
    from _engine.lifecycle.host.opening import open_engine
    from _engine.lifecycle.volume.import_archive import VolumeImport, import_volume
    from _engine.model.volume.spec import VolumeSpec

    archive = work / "volume.tar"
    wanted = VolumeImport("fuzz", str(archive), force=True, backup=False)
    engine = _OPEN.enter_context(open_engine(str(work / "root"), str(work / "run")))
    converge_volume(engine, VolumeSpec("fuzz"), "present")

    def read(data: bytes) -> None:
        archive.write_bytes(tars.repaired(data))
        with suppress(EngineError):
            import_volume(engine, wanted)

    return read


def _dump() -> dict[str, object]:
    """Return what stands in a checkpoint's config.dump, each option of its container in it."""
    from _engine.model.container.spec import ContainerSpec
    from _engine.model.engine.checkpoint_dump import CheckpointDump

    spec = ContainerSpec(name="box", image="localhost/fuzz:1", command=("sleep", "1"))
    return CheckpointDump(
        spec, "0" * 64, "runc", "x86_64", 1, 2, {"/data": "v"}, ("v",), has_rootfs=True
    ).encode()


def _checkpoint(dump: bytes) -> bytes:
    files = {"config.dump": dump, "spec.dump": b"{}", "checkpoint/inventory.img": b"x"}
    return tars.tar({**files, "volumes/v.tar": layer(0, 1), "rootfs-diff.tar": layer()})


def _checkpoint_seeds() -> list[bytes]:
    good = json.dumps(_dump()).encode()
    return [b"\0" + _checkpoint(good), b"\1" + good, b"\2" + bytes(range(20))]


def _checkpoints(work: Path) -> Callable[[bytes], None]:
    from _engine.errors import EngineError
    from _engine.images import checkpointarchive
    from _engine.images.archive.documents import parse_object
    from _engine.kernel.removal import remove_tree
    from _engine.model.engine.checkpoint_dump import CONFIG, CheckpointDump

    archive, into, dump = work / "checkpoint.tar", work / "extracted", _dump()
    wrapped = (tars.repaired, _checkpoint, lambda data: _checkpoint(grafted(dump, data)))

    def read(data: bytes) -> None:
        archive.write_bytes(wrapped[data[0] % len(wrapped)](data[1:]) if data else b"")
        into.mkdir()
        try:
            with archive.open("rb") as stream:
                CheckpointDump.decode(parse_object(checkpointarchive.document(stream.fileno()), what=CONFIG))
                checkpointarchive.extract(stream.fileno(), str(into))
        except EngineError:
            return
        finally:
            remove_tree(str(into))

    return read


EDGES = (
    Edge("archive", _images, _image_seeds),
    Edge("volume-archive", _volumes, lambda: [layer(), *(layer(one) for one in range(len(_ENTRIES)))]),
    Edge("checkpoint", _checkpoints, _checkpoint_seeds),
)
