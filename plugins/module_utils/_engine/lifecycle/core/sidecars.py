# SPDX-License-Identifier: GPL-3.0-or-later
"""Sidecar files of all objects, from which `slipway store rebuild` restores the rows of the database.

A sidecar is written after the row, so one without a row means that the database was lost or restored. Only root can read
it, like the database, which has the same content. Each is replaced atomically, and only if it differs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from ...errors import EngineError
from ...kernel import files
from ...kernel.boot import boot_id
from ...kernel.staging import staging
from ...model.engine import marks, sidecars
from ...model.engine.layout import Layout
from ...model.engine.record import ContainerRecord, ImageRecord
from ...model.network.spec import NetworkRecord
from ...model.values.names import is_full_id
from ...model.volume.spec import VolumeRecord
from ...state import images, volumes
from .engine import Engine

_Record = TypeVar("_Record")
#: Bytes; a spec is a few kilobytes, and an image's config is limited when it is loaded.
_LIMIT = 64 * 1024 * 1024
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, EngineError)


class Found(NamedTuple):
    """What was found: the records, and a text about each sidecar that can't be read."""

    containers: tuple[ContainerRecord, ...]
    volumes: tuple[VolumeRecord, ...]
    images: tuple[ImageRecord, ...]
    networks: tuple[NetworkRecord, ...]
    problems: tuple[str, ...]


# -- writing ---------------------------------------------------------------------------------------


def keep_container(engine: Engine, record: ContainerRecord) -> None:
    """Write a container's sidecar durably, unless it is up to date."""
    _write(engine.layout, engine.layout.container(record.id).beside, sidecars.encode_container(record))


def keep_marks(engine: Engine, record: ContainerRecord) -> None:
    """Write or remove the file of a container's marks; an unwritable disk does not fail the verb."""
    path = engine.layout.container(record.id).marks
    content = marks.encode_marks(record, boot_id())
    with suppress(OSError):
        if not content:
            os.unlink(path)
            return
        new = f"{path}.new"
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as stream:
            stream.write(_encoded(content))
        os.rename(new, path)


def keep_volume(engine: Engine, name: str, *, durable: bool = True) -> None:
    """Write a volume's sidecar, unless it is up to date.

    ``durable`` False means without a sync, for content that may be lost (what the volume was filled with).
    """
    with engine.database.reading() as connection:
        record = volumes.get(connection, name)
    if record is not None and not record.removing and os.path.isdir(engine.layout.volume(name)):
        _write(
            engine.layout, engine.layout.volume_beside(name), sidecars.encode_volume(record), durable=durable
        )


def forget_volume(engine: Engine, name: str) -> None:
    """Remove the sidecar of a removed volume."""
    with suppress(FileNotFoundError):
        os.unlink(engine.layout.volume_beside(name))


def keep_network(engine: Engine, record: NetworkRecord) -> None:
    """Write a network's sidecar durably, unless it is up to date."""
    _write(engine.layout, engine.layout.network_beside(record.id), sidecars.encode_network(record))


def is_network_kept(engine: Engine, record: NetworkRecord) -> bool:
    """Return whether the network's sidecar is up to date."""
    text = _encoded(sidecars.encode_network(record))
    return _read_bytes(engine.layout.network_beside(record.id)) == text


def forget_network(engine: Engine, network_id: str) -> None:
    """Remove the sidecar of a removed network."""
    with suppress(FileNotFoundError):
        os.unlink(engine.layout.network_beside(network_id))


def keep_images(engine: Engine) -> None:
    """Bring the sidecars of all images up to date with the database; the store's lock is held."""
    with engine.database.reading() as connection:
        known = {record.id.removeprefix("sha256:"): record for record in images.all(connection)}
    for name in os.listdir(engine.layout.images):
        if name.removesuffix(".json") not in known:
            os.unlink(f"{engine.layout.images}/{name}")
    for digits, record in known.items():
        _write(engine.layout, f"{engine.layout.images}/{digits}.json", sidecars.encode_image(record))


def image_is_kept(engine: Engine, record: ImageRecord) -> bool:
    """Return whether the image's sidecar is up to date; after a disk failure it may be stale."""
    path = f"{engine.layout.images}/{record.id.removeprefix('sha256:')}.json"
    return _read_bytes(path) == _encoded(sidecars.encode_image(record))


def _write(layout: Layout, path: str, content: Mapping[str, Any], *, durable: bool = True) -> None:
    text = _encoded(content)
    if _read_bytes(path) != text:
        put(layout, path, text, durable=durable)


def _encoded(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def put(layout: Layout, path: str, content: bytes, *, durable: bool) -> None:
    """Replace a file of the root atomically; a kill leaves only a file in staging, which is swept."""
    with staging(layout.staging) as (stage, _fd):
        with open(os.open(f"{stage}/new", _NEW, 0o600), "wb") as stream:
            stream.write(content)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        os.rename(f"{stage}/new", path)
    if durable:
        files.fsync_directory(os.path.dirname(path))


def _read_bytes(path: str) -> bytes | None:
    with (
        suppress(FileNotFoundError),
        open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as stream,
    ):
        return stream.read(_LIMIT)
    return None


# -- reading ---------------------------------------------------------------------------------------


def read_container(layout: Layout, container_id: str) -> ContainerRecord | None:
    """Return the record in a container's sidecar, None if it is missing or can't be read."""
    with suppress(*_UNREADABLE):
        return sidecars.decode_container(_load(layout.container(container_id).beside))
    return None


def read_image(layout: Layout, image_id: str) -> ImageRecord | None:
    """Return the record in an image's sidecar, None if it is missing, unreadable or of another image."""
    digits = image_id.removeprefix("sha256:")
    with suppress(*_UNREADABLE):
        found = sidecars.decode_image(_load(f"{layout.images}/{digits}.json"))
        return found if found.id.removeprefix("sha256:") == digits else None
    return None


def read_all(layout: Layout) -> Found:
    """Read the sidecars of all containers, volumes, images and networks."""
    problems: list[str] = []
    containers = _each(
        (layout.container(name).beside for name in _names(layout.containers) if is_full_id(name)),
        sidecars.decode_container,
        problems,
    )
    containers = [_with_marks(layout, one, problems) for one in containers]
    known = _each(map(layout.volume_beside, _volume_names(layout)), sidecars.decode_volume, problems)
    paths, nets = (
        [f"{top}/{name}" for name in _names(top) if name.endswith(".json")]
        for top in (layout.images, layout.networks)
    )
    return Found(
        tuple(sorted(containers, key=lambda one: (one.created, one.id))),
        tuple(known),
        tuple(_each(paths, sidecars.decode_image, problems)),
        tuple(_each(nets, sidecars.decode_network, problems)),
        tuple(problems),
    )


def _with_marks(layout: Layout, record: ContainerRecord, problems: list[str]) -> ContainerRecord:
    path = layout.container(record.id).marks
    try:
        return marks.marked(record, _load(path), boot_id())
    except FileNotFoundError:  # the usual case: no marks
        return record
    except _UNREADABLE as error:
        problems.append(f"{path} can't be read ({error}): whether its user stopped {record.name} is unknown")
        return record


def _volume_names(layout: Layout) -> list[str]:
    return [name for name in _names(layout.volumes) if os.path.isdir(layout.volume(name))]


def _names(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except FileNotFoundError:
        return []


def _each(
    paths: Iterable[str], decode: Callable[[Mapping[str, Any]], _Record], problems: list[str]
) -> list[_Record]:
    found = []
    for path in paths:
        try:
            found.append(decode(_load(path)))
        except FileNotFoundError:  # noqa: PERF203  (read each, regardless of earlier failures)
            problems.append(
                f"{path} does not exist: an older slipway created the object, which was not started since"
            )
        except _UNREADABLE as error:
            problems.append(f"{path} can't be read: {type(error).__name__}: {str(error)[:200]}")
    return found


def _load(path: str) -> dict[str, Any]:
    text = _read_bytes(path)
    if text is None:
        raise FileNotFoundError(path)
    data = json.loads(text)
    if not isinstance(data, dict):
        raise TypeError("not a JSON object")
    return data
