# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage one file or directory in a container: its content, owner, mode, or absence."""

from __future__ import annotations

import os
import posixpath
from typing import Optional

from ...errors import InvalidOption
from ...frozen import dataclass, replace
from ...kernel.files import directory
from ...model.engine.record import ContainerRecord
from ...model.values.globs import nothing
from ...trees.place import Place
from ...trees.sync import DIRECTORY, Wanted, memory
from ...trees.sync_target import Synced, remove
from ..core.engine import Engine
from ..core.lookup import find
from ..core.outcome import Outcome
from .container_files import Inside, within
from .copy import CopyRequest, copy_in, explained, in_container, outcome, received
from .copy_ends import Source, read_source

PRESENT, ABSENT, DIRECTORY_STATE = "present", "absent", "directory"


@dataclass(frozen=True)
class FileRequest:
    """The request of a task: ``copy`` has the container, the path (``dest``), owner and mode.

    The content is ``content``, or that of the file in ``copy.parcel`` or of the host's file ``copy.src``.
    """

    copy: CopyRequest
    state: str = PRESENT
    content: Optional[bytes] = None


def converge_file(engine: Engine, request: FileRequest) -> Outcome:
    """Bring the path to the requested state. Raises what ``copy.copy`` raises."""
    record = find(engine, request.copy.container)
    path = in_container(engine, record, request.copy.dest)
    request = replace(request, copy=replace(request.copy, dest=path))
    with engine.timings.of("copy"), directory("/") as host:
        if request.state == ABSENT:
            return outcome(_remove(engine, record, path), f"removed {record.name}:{path}")
        if request.state == DIRECTORY_STATE:
            return outcome(
                _make_directory(engine, record, request.copy), f"created directory {record.name}:{path}"
            )
        synced = copy_in(engine, record, request.copy, _source(request, host))
    return outcome(synced, f"wrote {record.name}:{path}")


def _source(request: FileRequest, host: int) -> Source:
    wanted = request.copy
    if request.content is not None:
        return Source({posixpath.basename(wanted.dest): memory(request.content)}, is_file=True)
    if wanted.parcel is not None:
        return received(wanted.parcel, wanted.src)
    source = read_source(host, wanted.src, follow=True, excluded=nothing)
    if not source.is_file:
        raise InvalidOption("src", wanted.src, "is not a file", remedy="Use container_copy for directories")
    return source


def _make_directory(engine: Engine, record: ContainerRecord, wanted: CopyRequest) -> Synced:
    """Create the directory, as a source that is copied into its parent under its own name."""
    above, name = _split(wanted.dest)
    return copy_in(
        engine, record, replace(wanted, dest=above), Source({name: Wanted(DIRECTORY)}, is_file=False)
    )


def _remove(engine: Engine, record: ContainerRecord, path: str) -> Synced:
    _parent, name = _split(path)

    def act(inside: Inside) -> Synced:
        root_fd, inner = inside.locate(path)
        place = Place(root_fd, posixpath.dirname(inner.rstrip("/")))
        try:
            fd = place.open()
        except (FileNotFoundError, NotADirectoryError):
            return Synced([], [])
        try:
            inside.check_mount(fd, path, writes=True)
        finally:
            os.close(fd)
        return remove(place, name, predicting=engine.predicting)

    with explained(record, path):
        return within(engine, record, act, writes=not engine.predicting, what="copy")


def _split(path: str) -> tuple[str, str]:
    above, name = posixpath.split(path.rstrip("/"))
    if name in ("", ".", ".."):
        raise InvalidOption("path", path, "is not the path of a file", remedy="Write it as in /etc/app.conf")
    return above or "/", name
