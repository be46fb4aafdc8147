# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk use of images by layer, containers, volumes and kept blobs, and how much of it a prune would free."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ...images.blobs import BlobStore
from ...model.container import status
from ...model.engine.prune import ImagePrune
from ...model.engine.record import ContainerRecord, ImageRecord
from ...model.values.times import rfc3339
from ...plan import prune as planning
from ..core.engine import Engine
from ..core.facts import observe
from ..core.outcome import Outcome
from ..info import info
from ..info.sizes import sizes, tree_size
from ..inspect.image import image_shape
from .look import Rows, read_rows
from .prune_images import foresee

_Shape = dict[str, Any]


def disk_use(engine: Engine) -> Outcome:
    """Return ``disk_use``: ``summary`` (as ``podman system df``), each image, layer, container and volume.

    The files of containers and volumes are measured one by one, which can take long.
    """
    rows = read_rows(engine)
    images, layers = _images(rows), _layers(rows)
    containers = [_container(engine, rows, record) for record in rows.containers]
    volumes = [_volume(engine, shape) for shape in info.volumes(engine).result["volumes"]]
    summary = [
        _images_row(rows),
        _row(
            "Containers",
            containers,
            active=[one for one in containers if one["Status"] in status.ALIVE],
        ),
        _row("Local Volumes", volumes, active=[one for one in volumes if one["Links"]]),
        _blobs_row(engine, rows),
    ]
    return Outcome(
        result={
            "disk_use": {
                "summary": summary,
                "images": images,
                "layers": layers,
                "containers": containers,
                "volumes": volumes,
            }
        }
    )


def _row(kind: str, found: Collection[_Shape], *, active: Collection[_Shape]) -> _Shape:
    size = sum(one["Size"] for one in found)
    free = size - sum(one["Size"] for one in active)
    return _summed(kind, len(found), len(active), size, free)


def _summed(kind: str, total: int, active: int, size: int, free: int) -> _Shape:
    return {"Type": kind, "Total": total, "Active": active, "RawSize": size, "RawReclaimable": free}


# -- images --------------------------------------------------------------------------------------------


def _users(rows: Rows, image: ImageRecord) -> list[ContainerRecord]:
    return [one for one in rows.containers if image.id in (one.image_id, *one.images.values())]


def _images_row(rows: Rows) -> _Shape:
    held = {chain_id: layer.size for chain_id, layer in rows.layers.items()}
    used = [image for image in rows.images.values() if _users(rows, image)]
    free = planning.layer_bytes(held, used)
    return _summed("Images", len(rows.images), len(used), sum(held.values()), free)


def _images(rows: Rows) -> list[_Shape]:
    """Return each image with its total size, and the sizes of its unique and its shared layers."""
    shared = {layer["Id"] for layer in _layers(rows) if len(layer["Images"]) > 1}
    found = []
    for image in rows.images.values():
        common = sum(layer.size for layer in image.layers if layer.chain_id in shared)
        size = sum(layer.size for layer in image.layers)
        found.append(
            {
                "Id": image.id,
                "RepoTags": [*image.names],
                "Created": image_shape(image)["Created"],
                "Size": size,
                "SharedSize": common,
                "UniqueSize": size - common,
                "Containers": len(_users(rows, image)),
            }
        )
    return found


def _layers(rows: Rows) -> list[_Shape]:
    users: dict[str, list[str]] = {chain_id: [] for chain_id in rows.layers}
    for image in rows.images.values():
        for chain_id in {layer.chain_id for layer in image.layers}:
            users[chain_id].append(image.id)
    return [
        {"Id": chain_id, "Size": layer.size, "Images": users[chain_id]}
        for chain_id, layer in rows.layers.items()
    ]


def _blobs_row(engine: Engine, rows: Rows) -> _Shape:
    """Return the row of the kept blobs; reclaimable are unused and regenerable ones."""
    store = BlobStore(engine.layout.blobs)
    held = {digest: store.size(digest) or 0 for digest in store.list()}
    needed = {digest for image in rows.images.values() for digest in image.blobs}
    unused = sum(size for digest, size in held.items() if digest not in needed)
    spare = foresee(engine, ImagePrune(blobs=True)).freed - foresee(engine, ImagePrune()).freed
    return _summed("Blobs", len(held), len(held.keys() & needed), sum(held.values()), unused + spare)


# -- the rest ------------------------------------------------------------------------------------------


def _container(engine: Engine, rows: Rows, record: ContainerRecord) -> _Shape:
    image = rows.images.get(record.image_id or "")
    return {
        "Id": record.id,
        "Name": record.name,
        "Image": record.spec.image,
        "LocalVolumes": len(record.volumes),
        "Size": 0 if record.spec.rootfs else sizes(engine, record, image)["SizeRw"],
        "Created": rfc3339(record.created),
        "Status": observe(engine, record).status,
    }


def _volume(engine: Engine, shape: _Shape) -> _Shape:
    """Return a volume; a mounted one has size 0, because its data is on another file system."""
    size = 0 if shape["mounted"] else tree_size(engine.layout.volume(shape["Name"]))
    return {"Name": shape["Name"], "Links": len(shape["used_by"]), "Size": size}
