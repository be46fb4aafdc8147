# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a container's changes as a layer, with any storage driver."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from typing import NamedTuple, Optional

from ...errors import NotFound
from ...frozen import dataclass
from ...images.layers import mount_places
from ...images.layers.lowers import Lowers, Path
from ...images.layers.mount_places import Written
from ...images.layers.symlink_targets import landings
from ...images.tar import commit_layer
from ...images.tar.commit_layer import ALL, MARKED, UPPER, Changed, Changes, Layer, Reading
from ...kernel import libc
from ...kernel.files import directory
from ...model.engine.record import ContainerRecord
from ...model.engine.storage_drivers import FUSE, OVERLAY, VFS
from ...model.values.idmap import IdMap
from ...rootfs import mount_state, overlay, vfs_changes
from ...trees.compare import DELETED, Change
from ..core.engine import Engine
from ..core.source import Source
from ..files.diff import OF_EVERY_START
from ..files.export import allow_many_files, open_view, owners_of

#: The most bytes of config.json to read; it usually has ten kilobytes.
_MOST = 16 * 1024 * 1024


@dataclass(frozen=True)
class How:
    """How to read: all files or only changes, from a running container or not, one time for all.

    ``time`` is in seconds, None to keep each entry's own.
    """

    squash: bool = False
    live: bool = False
    time: int | None = None


class OpenLayer:
    """A layer that can be read once; ``is_empty`` is valid afterwards."""

    def __init__(self, layer: Layer, fd: int, *, as_in_image: bool) -> None:
        self._layer = layer
        self._fd = fd
        self._as_in_image = as_in_image

    def chunks(self) -> Iterator[bytes]:
        """Stream the layer. Raises WrongState, OSError."""
        return self._layer.chunks(self._fd)

    @property
    def is_empty(self) -> bool:
        """Return whether nothing differs from the image."""
        return self._layer.is_empty and self._as_in_image


class _Opened(NamedTuple):
    """The directory to read, its kind (``commit_layer``), the id map of its owners, and the changes in it."""

    fd: int
    kind: str
    mapping: Optional[IdMap]
    changes: Optional[Changes] = None

    def names(self, fd: int, prefix: bytes) -> Iterable[bytes]:
        """Return the names of a directory's changed entries."""
        if self.changes is None:
            return map(os.fsencode, os.listdir(fd))
        here = self.changes.get(prefix)
        return (*here.names, *here.gone) if here else ()


def opened(
    held: ExitStack, engine: Engine, record: ContainerRecord, source: Source, how: How
) -> OpenLayer | None:
    """Open the container's changes to its image; None if it was never started. Raises as mounting does."""
    allow_many_files()  # each layer takes a descriptor, and an image may have hundreds
    mount_state.check(engine.layout.container(record.id), record.name, record.driver)
    found = _all(held, engine, record) if how.squash else _written(held, engine, record, source)
    if found is None:
        return None
    image = _image(held, source)
    owners = owners_of(found.mapping)
    written = Written(found.fd, found.names, owners)
    reading = Reading(
        record.name,
        owners,
        mount_places.left_out(written, image, _places(engine, record, source), whole=how.squash),
        lambda path: image.shows((*path.split(b"/"),)),
        how.live,
        None if how.time is None else how.time * 10**9,
    )
    layer = commit_layer.layer(reading, found.kind, found.changes)
    return OpenLayer(layer, found.fd, as_in_image=mount_places.is_as_in(image, written))


def _image(held: ExitStack, source: Source) -> Lowers:
    try:
        return held.enter_context(Lowers(source.lowers))
    except FileNotFoundError as error:
        raise NotFound("layer", str(error.filename), remedy="Load the image again") from error


def _all(held: ExitStack, engine: Engine, record: ContainerRecord) -> _Opened:
    view = open_view(engine, record)
    held.callback(os.close, view.fd)
    return _Opened(view.fd, ALL, record.mapping if view.written else None)


def _written(held: ExitStack, engine: Engine, record: ContainerRecord, source: Source) -> _Opened | None:
    container = engine.layout.container(record.id)
    if record.driver != VFS and not os.path.isdir(container.upper):
        return None
    if record.driver == VFS or (record.driver == OVERLAY and overlay.moves_content()):
        found = _all(held, engine, record)
        told = vfs_changes.differences(found.fd, source.lowers[::-1], found.mapping, exact=True)
        return found._replace(changes=_by_directory(told))
    if record.driver == FUSE and os.path.isdir(container.merged):
        # Dirty pages of the kernel are not in the program's layer yet.
        with directory(container.merged) as merged:
            libc.syncfs(merged)
    upper = held.enter_context(directory(container.upper))
    return _Opened(upper, MARKED if record.driver == FUSE else UPPER, record.mapping)


def _by_directory(changes: Iterable[Change]) -> Changes:
    """Group changes by their directory; the parents of a changed directory are included."""
    found: dict[bytes, Changed] = {}
    for change in changes:
        above, _slash, name = os.fsencode(change.path).rpartition(b"/")
        here = _with_parents(found, above)
        (here.gone if change.kind == DELETED else here.names).add(name)
    return found


def _with_parents(found: dict[bytes, Changed], path: bytes) -> Changed:
    prefix = path + b"/" if path else b""
    if prefix not in found:
        found[prefix] = Changed(set(), set())
        if path:
            above, _slash, name = path.rpartition(b"/")
            _with_parents(found, above).names.add(name)
    return found[prefix]


def _places(engine: Engine, record: ContainerRecord, source: Source) -> set[Path]:
    """Return the paths where something is or was mounted, also with the image's symbolic links resolved."""
    bundle = _mounted(f"{engine.layout.container(record.id).bundle}/config.json")
    wanted = {*OF_EVERY_START, *record.mounts, *bundle}
    leads = {*landings(source.lowers, wanted).values(), *wanted}
    return {(*filter(None, os.fsencode(path).split(b"/")),) for path in leads}


def _mounted(path: str) -> Iterator[str]:
    """Yield the mount points in the last start's config.json; nothing before the first start."""
    with suppress(OSError, ValueError, KeyError, TypeError), open(path, "rb") as stream:
        yield from [str(mount["destination"]) for mount in json.loads(stream.read(_MOST))["mounts"]]
