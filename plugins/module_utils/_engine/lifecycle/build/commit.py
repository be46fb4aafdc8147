# SPDX-License-Identifier: GPL-3.0-or-later
"""Make an image of a container: its parent's layers, and what it has written as one more (seed: Commit).

The layer goes through a file, so that the container stands still no longer than it takes to read it, and its digest is known
before anything is unpacked. An image that says the same but for its times is that image: the same commit once more is no change.
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

#: Where the image's words on its containers come from.
CONTAINER, IMAGE = "container", "image"
_BY = "slipway commit"
_COMMIT = "commit"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@dataclass(frozen=True)
class CommitRequest:
    """What a task asks for; ``image`` "" is an image without a name, ``timestamp`` (seconds) None is now.

    ``cache_key``: the image is this stage of a build, None for none.
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
    """A layer that was read: its digest, None when there is nothing new, its size, and the file that holds it."""

    diff_id: Optional[str]
    size: int
    path: str


def commit(engine: Engine, request: CommitRequest) -> Outcome:
    """Make an image of a container; an image of that name with the same content and configuration is no change.

    Raises NotFound, InvalidOption, WrongState, HostLacks (``pause``), StoreFull; nothing is left of it then.
    """
    names = (normalize(request.image),) if request.image else ()
    dockerfile.parse(request.changes)  # before a container stands still for it
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
            f"container {record.name} stands on a plain directory: there is no image that it could add to",
            remedy="Make an image of the directory with slipway.oci.image_import",
            name=record.name,
        )
    return record


def _held(engine: Engine, record: ContainerRecord, *, pause: bool) -> AbstractContextManager[object]:
    """Keep the container as it is; to predict, nobody is kept from anything."""
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
    """Read what the container has written into a file of the stage, or only its digest without one."""
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
    """Return the image, the one that is there where it says the same."""
    if source.image is None:
        raise NotFound("image", record.spec.image, remedy="Load it again: the container needs it, too")
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
    """Return the configuration of an image that differs in times alone, the one of that name first."""
    wanted = committed.timeless(config)
    with engine.database.reading() as connection:
        known = images.all(connection)
    named = [one for one in known if name and normalize(name) in one.names]
    same = (one.config for one in (*named, *reversed(known)) if committed.timeless(one.config) == wanted)
    return next(same, None)
