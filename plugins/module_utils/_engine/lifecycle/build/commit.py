# SPDX-License-Identifier: GPL-3.0-or-later
"""Create an image from a container: its image's layers, and one more with its changes (seed: Commit).

The layer is spooled to a file, so that the container is frozen only while it is read, and the digest is known before anything
is unpacked. An image that differs only in its times is the same image, so committing again changes nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import NamedTuple, Optional

from ...errors import HostLacks, NotFound, Setting, StoreFull, Words, WrongState
from ...frozen import dataclass, replace
from ...images import changes as dockerfile
from ...images import commit as committed
from ...images.archive.image import ArchivedImage
from ...images.archive.reference import normalize
from ...images.commit import CommittedImage
from ...images.tar.streams import Digest, write_all
from ...kernel.disk_full import NO_ROOM
from ...kernel.staging import staging
from ...model.engine.record import ContainerRecord, ImageRecord
from ...model.image import stage
from ...state import images
from ..core.engine import Engine
from ..core.lookup import find
from ..core.origin import source_of
from ..core.outcome import Outcome
from ..core.source import Source
from ..guard.freeze_for_snapshot import stilled
from ..guard.hold import hold
from ..image.load import converge_images
from . import run_config
from .layer import How, OpenLayer, opened

#: The source of the image's run configuration.
CONTAINER, IMAGE = "container", "image"
_BY = "slipway commit"
_COMMIT = "commit"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@dataclass(frozen=True)
class CommitRequest:
    """A task's request; ``image`` "" creates an image without a name, ``timestamp`` (seconds) None is now.

    ``cache_key`` marks the image as this stage of a build, None for none.
    """

    container: str
    image: str = ""
    author: str = ""
    message: str = ""
    changes: tuple[str, ...] = ()
    config: str = CONTAINER
    pause: bool = True
    squash: bool = False
    include_volumes: bool = False
    timestamp: Optional[int] = None
    cache_key: object = None


class _Layer(NamedTuple):
    """A layer that was read: its digest (None if nothing changed), its size, and the path of its content."""

    diff_id: Optional[str]
    size: int
    path: str


def commit(engine: Engine, request: CommitRequest) -> Outcome:
    """Create an image from a container, unless one with that name, content and configuration exists.

    Raises NotFound, InvalidOption, WrongState, HostLacks (``pause``), StoreFull; then nothing is left behind.
    """
    names = (normalize(request.image),) if request.image else ()
    dockerfile.parse(request.changes)  # fails before the container is frozen
    record = _check(find(engine, request.container))
    with ExitStack() as stack:
        place = "" if engine.predicting else stack.enter_context(staging(engine.layout.staging))[0]
        with engine.timings.of("commit_read"), _held(engine, record, pause=request.pause):
            record = find(engine, record.id)
            source = source_of(engine, record)
            layer = _read(engine, record, source, request, place)
        image = _image(engine, request, record, source, layer)
        outcome = converge_images(engine, CommittedImage(image, layer.path), "committed", names=names)
    if outcome.changed and not engine.predicting:
        engine.tell("container", _COMMIT, record.id, record.name)
    return replace(outcome, result={"image": outcome.result["image"]})


def _check(record: ContainerRecord) -> ContainerRecord:
    if record.spec.rootfs:
        raise WrongState(
            f"container {record.name} has a plain directory as its root file system, so it has no image to add a layer to",
            remedy="Create an image from the directory with slipway.oci.image_import",
            name=record.name,
        )
    return record


def _held(engine: Engine, record: ContainerRecord, *, pause: bool) -> AbstractContextManager[object]:
    """Return a context that freezes or locks the container; check mode does neither."""
    if engine.predicting:
        return nullcontext()
    return _paused(engine, record) if pause else hold(engine, record.id, _COMMIT)


@contextmanager
def _paused(engine: Engine, record: ContainerRecord) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(stilled(engine, (record.id,), _COMMIT))
        except HostLacks as error:
            remedy = Words("Write ", Setting("pause", False), ", or stop the container first")
            raise HostLacks(error.message, remedy=remedy, **error.fields) from error
        yield


def _read(
    engine: Engine, record: ContainerRecord, source: Source, request: CommitRequest, place: str
) -> _Layer:
    """Read the container's changes into a file of the stage; without a stage only digest them."""
    how = How(request.squash, live=engine.predicting or not request.pause, time=request.timestamp)
    with ExitStack() as held:
        layer = opened(held, engine, record, source, how)
        if layer is None:
            return _Layer(None, 0, "")
        path = f"{place}/layer" if place else ""
        digest = _spooled(layer, path)
        if layer.is_empty and not request.squash:
            return _Layer(None, 0, "")
        return _Layer(digest.text, digest.size, path)


def _spooled(layer: OpenLayer, path: str) -> Digest:
    digest = Digest()
    with nullcontext() if not path else open(os.open(path, _NEW, 0o600), "wb") as file:
        for chunk in digest.through(layer.chunks()):
            if file is not None:
                _keep(file.fileno(), chunk, path)
    return digest


def _keep(fd: int, chunk: bytes, path: str) -> None:
    try:
        write_all(fd, memoryview(chunk))
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        where = os.path.dirname(path)
        raise StoreFull(f"no space is left in {where} for the layer", remedy="Make room there") from error


def _image(
    engine: Engine, request: CommitRequest, record: ContainerRecord, source: Source, layer: _Layer
) -> ArchivedImage:
    """Return the image to create, or an existing one that is equal but for its times."""
    if source.image is None:
        raise NotFound("image", record.spec.image, remedy="Load it again: the container needs it as well")
    wanted = committed.configuration(
        source.image.config,
        _run(request, record, source.image),
        committed.Words(_BY, request.author, request.message or f"FROM {record.spec.image}"),
        diff_id=layer.diff_id,
        squash=request.squash,
    )
    when = int(time.time()) if request.timestamp is None else request.timestamp
    text = committed.dated(wanted, when)
    if request.timestamp is None:
        text = _twin(engine, text, request.image) or text
    below = () if request.squash else source.image.layers
    return committed.image(text, below, layer.diff_id, layer.size)


def _run(request: CommitRequest, record: ContainerRecord, parent: ImageRecord) -> dockerfile.RunConfig:
    base = committed.run_config(parent.config)
    if request.config == IMAGE:
        config = run_config.of_image(base)
    else:
        config = run_config.of_container(base, record, include_volumes=request.include_volumes)
    config = dockerfile.parse(request.changes, config)
    if request.cache_key is not None:
        digest = stage.digest(parent.id, request.cache_key)
        config["Labels"] = {**(config.get("Labels") or {}), stage.STAGE: digest}
    return config


def _twin(engine: Engine, config: bytes, name: str) -> bytes | None:
    """Return the configuration of an image that differs only in times, preferably the one of that name."""
    wanted = committed.timeless(config)
    with engine.database.reading() as connection:
        known = images.all(connection)
    named = [one for one in known if name and normalize(name) in one.names]
    same = (one.config for one in (*named, *reversed(known)) if committed.timeless(one.config) == wanted)
    return next(same, None)
