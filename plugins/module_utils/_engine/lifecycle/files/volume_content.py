# SPDX-License-Identifier: GPL-3.0-or-later
"""Have files in a volume as a tree and a list of files say, whether containers have it or not; the same once more is no change.

Paths are resolved inside the volume, by descriptors: a container that swaps a directory for a symlink meanwhile leads a write to
another place in the volume at most.
"""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Optional

from ...errors import ArchiveBroken, InvalidOption, Setting, Words, WrongState
from ...frozen import dataclass, replace
from ...kernel.files import directory
from ...model.values.globs import Excluded, matcher
from ...model.volume.spec import VolumeRecord
from ...trees.sync import DIRECTORY, Attributes, Tree, Wanted, memory, owned, with_attributes
from ...trees.sync_target import Synced, sync
from ..core.engine import Engine
from ..core.outcome import Outcome
from ..resources import volume_open
from ..resources.volume_facts import is_mounted
from ..volume import replace as replacing
from ..volume.read_content import find_volume, with_room
from .copy import outcome
from .copy_ends import Source, read_source, target
from .copy_owners import on_host

#: Where a parcel of the controller has what comes of ``src``, and the files of the list by their number.
PARCEL_SRC, PARCEL_FILES = "src", "files"
#: The top of ext2, ext3 and ext4 has it, and fsck wants it.
_LOST = "lost+found"
#: What the kernel says when a path is no longer what it was a moment ago.
_SWAPPED = (
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ESTALE, errno.ENOTEMPTY, errno.EEXIST),
    errno.EINVAL,  # readlink(2) of what is no symlink any more
)


@dataclass(frozen=True)
class InlineFile:
    """A file of the list. ``content`` None: the controller has sent it. Owner and mode None: as for all others."""

    path: str
    content: Optional[bytes] = None
    owner: Optional[str] = None
    group: Optional[str] = None
    mode: Optional[int] = None


@dataclass(frozen=True)
class ContentRequest:
    """What a task asks for: what is in ``src``, on the host or, without ``remote_src``, in ``parcel``, and ``files``.

    All of it goes below ``dest``. Modes are those of the source, or with ``keep_modes`` off those that are there.
    """

    volume: str
    src: Optional[str] = None
    remote_src: bool = True
    files: tuple[InlineFile, ...] = ()
    dest: str = "/"
    parcel: Optional[str] = None
    owner: Optional[str] = None
    group: Optional[str] = None
    mode: Optional[int] = None
    directory_mode: Optional[int] = None
    keep_modes: bool = True
    exclude: tuple[str, ...] = ()
    delete: bool = False
    overwrite: bool = False
    local_follow: bool = False


def converge_content(engine: Engine, request: ContentRequest) -> Outcome:
    """Write what differs, and nothing else.

    Raises NotFound, InvalidOption, KindDiffers, CannotCopy, StoreFull, WrongState (a container changes the paths meanwhile).
    """
    record = find_volume(engine, request.volume)
    _check_lasting(engine, record)
    excluded = _excluded(request)
    said = on_host(request.owner, request.group)
    everywhere = Attributes(said.uid, said.gid, request.mode, request.directory_mode)
    with ExitStack() as stack:
        stack.enter_context(engine.timings.of("content"))
        source = _wanted(request, stack.enter_context(directory("/")), excluded)
        if not engine.predicting:
            stack.enter_context(engine.lock_volume(request.volume, f"content of volume {request.volume}"))
            record = find_volume(engine, request.volume)
            replacing.settle(engine, request.volume)
        stack.enter_context(_explained(request))
        path = stack.enter_context(volume_open.opened(engine, record))
        top = stack.enter_context(directory(path))
        found = stack.enter_context(target(top, request.dest, source, follow=False, through=False))
        tree = _attributed(found.tree, everywhere, os.fstat(top))
        tree = {**tree, **_own_attributes(request, tree, found.top)}
        synced = sync(
            tree,
            found.place,
            top=found.top,
            delete=request.delete,
            excluded=excluded,
            overwrite=request.overwrite,
            predicting=engine.predicting,
            diff=True,
        )
    return _told(engine, request, synced)


def _check_lasting(engine: Engine, record: VolumeRecord) -> None:
    """Raise WrongState for a volume in memory that is not mounted: what is written to it would be gone at once."""
    name = record.spec.name
    if record.spec.driver_options.type == "tmpfs" and not is_mounted(engine, name):
        raise WrongState(
            f"volume {name} is in memory, and nothing stays in it while it is not mounted",
            remedy=Words(
                "Have it mounted first, by slipway.oci.volume with ",
                Setting("state", "mounted"),
                " or by a container that runs",
            ),
            name=name,
        )


# -- what is wanted --------------------------------------------------------------------------------


def _excluded(request: ContentRequest) -> Excluded:
    """Return what tells which paths, relative to the destination, are neither written nor deleted."""
    said = matcher("exclude", request.exclude)
    if request.dest.strip("/"):
        return said
    return lambda path: path == _LOST or said(path)


def _wanted(request: ContentRequest, host: int, excluded: Excluded) -> Source:
    """Return all that is to be below the destination; a file of the list wins over one of the tree."""
    sent = _sent(request)
    listed = {one.path: _listed(request, number, one, sent) for number, one in enumerate(request.files)}
    tree = {**_tree(request, host, sent, excluded), **_with_parents(listed)}
    if not request.keep_modes:
        tree = {path: replace(wanted, mode=None, usual_mode=None) for path, wanted in tree.items()}
    return Source(tree, is_file=False)


def _sent(request: ContentRequest) -> Tree:
    if request.parcel is None:
        return {}
    from ...trees.sync_archive import read_archive

    return read_archive(request.parcel)


def _tree(request: ContentRequest, host: int, sent: Tree, excluded: Excluded) -> Tree:
    if request.src is not None and not request.remote_src:
        prefix = f"{PARCEL_SRC}/"
        return {path[len(prefix) :]: one for path, one in sent.items() if path.startswith(prefix)}
    if request.src is None:
        return {}
    inner = posixpath.basename(request.src) if not request.src.endswith("/") else ""
    found = read_source(
        host,
        request.src,
        follow=request.local_follow,
        excluded=lambda path: excluded(f"{inner}/{path}" if inner else path),
    )
    return found.tree


def _listed(request: ContentRequest, number: int, one: InlineFile, sent: Tree) -> Wanted:
    if request.parcel is None or one.content is not None:
        return memory(one.content or b"")
    wanted = sent.get(f"{PARCEL_FILES}/{number}")
    if wanted is None:
        raise ArchiveBroken(f"the controller has not sent {one.path}", path=one.path)
    return replace(wanted, mode=None, mtime_ns=None)


def _with_parents(tree: Tree) -> Tree:
    names = [path.split("/") for path in tree]
    above = {"/".join(parts[:count]) for parts in names for count in range(1, len(parts))}
    return {**{path: Wanted(DIRECTORY) for path in above}, **tree}


def _attributed(tree: Tree, said: Attributes, top: os.stat_result) -> Tree:
    """Return the tree with owners and modes as the task wants them; what is new belongs to the volume's owner."""
    return with_attributes(owned(tree, top.st_uid, top.st_gid), said)


def _own_attributes(request: ContentRequest, tree: Tree, top: str) -> Tree:
    """Return the files of the list that say themselves whose they are, or which mode they have."""
    found = {}
    for one in request.files:
        path = f"{top}/{one.path}" if top else one.path
        own = on_host(one.owner, one.group)
        found.update(with_attributes({path: tree[path]}, Attributes(own.uid, own.gid, one.mode)))
    return found


# -- what is told ----------------------------------------------------------------------------------


def _told(engine: Engine, request: ContentRequest, synced: Synced) -> Outcome:
    name = request.volume
    if synced.changes and not engine.predicting:
        engine.tell("volume", "content", name, name)
    where = "" if request.dest.strip("/") == "" else f":/{request.dest.strip('/')}"
    return outcome(synced, f"changed the content of volume {name}{where}")


@contextmanager
def _explained(request: ContentRequest) -> Iterator[None]:
    """Say in the volume's words what the kernel refuses."""
    try:
        with with_room(f"in volume {request.volume}", request.volume):
            yield
    except OSError as error:
        if error.errno not in _SWAPPED:
            raise
        where = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else request.dest
        raise WrongState(
            f"{where} in volume {request.volume} was changed while it was written: {error.strerror}",
            remedy="Try again when the containers that have it leave it alone",
            path=where,
        ) from error


def check_path(option: str, path: str) -> str:
    """Return a path of a file below the destination; raises InvalidOption."""
    names = path.split("/")
    if not path or {"", ".", ".."} & {*names} or "\0" in path:
        raise InvalidOption(option, path, "is no path below dest", remedy="Write one as in conf/app.conf")
    return path
