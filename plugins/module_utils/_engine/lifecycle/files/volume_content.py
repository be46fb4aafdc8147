# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage files in a volume by a tree and a list of files, idempotently, whether containers use it or not.

Paths are resolved in the volume by descriptors: if a container swaps a directory for a symlink meanwhile, a write can at
most go elsewhere in the volume.
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

#: Directories of the controller's parcel: the tree of ``src``, and the files of the list by their index.
PARCEL_SRC, PARCEL_FILES = "src", "files"
#: A directory at the top of ext2, ext3 and ext4 that fsck needs.
_LOST = "lost+found"
#: The kernel's errors for a path that has changed since it was looked up.
_SWAPPED = (
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ESTALE, errno.ENOTEMPTY, errno.EEXIST),
    errno.EINVAL,  # readlink(2) of what is no longer a symlink
)


@dataclass(frozen=True)
class InlineFile:
    """A file of the list; ``content`` None: the controller sent it; owner and mode None: the request's."""

    path: str
    content: Optional[bytes] = None
    owner: Optional[str] = None
    group: Optional[str] = None
    mode: Optional[int] = None


@dataclass(frozen=True)
class ContentRequest:
    """The request of a task: the content of ``src`` and ``files``, written below ``dest``.

    ``src`` is on the host, or without ``remote_src`` in ``parcel``. Modes are those of the source, or without ``keep_modes``
    the destination's.
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
    """Write the files that differ, and nothing else.

    Raises NotFound, InvalidOption, KindDiffers, CannotCopy, StoreFull, WrongState (a container changes the paths meanwhile,
    or the volume is an unmounted tmpfs).
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
    return _outcome(engine, request, synced)


def _check_lasting(engine: Engine, record: VolumeRecord) -> None:
    """Check that the volume keeps what is written. Raises WrongState for a tmpfs that is not mounted."""
    name = record.spec.name
    if record.spec.driver_options.type == "tmpfs" and not is_mounted(engine, name):
        raise WrongState(
            f"volume {name} is a tmpfs, which keeps nothing while it is not mounted",
            remedy=Words(
                "Mount it first, with slipway.oci.volume and ",
                Setting("state", "mounted"),
                ", or start a container that uses it",
            ),
            name=name,
        )


# -- the wanted tree -------------------------------------------------------------------------------


def _excluded(request: ContentRequest) -> Excluded:
    """Return the predicate of paths, relative to the destination, that are neither written nor deleted."""
    said = matcher("exclude", request.exclude)
    if request.dest.strip("/"):
        return said
    return lambda path: path == _LOST or said(path)


def _wanted(request: ContentRequest, host: int, excluded: Excluded) -> Source:
    """Return the wanted tree below the destination; a file of the list overrides one of the tree."""
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
        raise ArchiveBroken(f"the controller did not send {one.path}", path=one.path)
    return replace(wanted, mode=None, mtime_ns=None)


def _with_parents(tree: Tree) -> Tree:
    names = [path.split("/") for path in tree]
    above = {"/".join(parts[:count]) for parts in names for count in range(1, len(parts))}
    return {**{path: Wanted(DIRECTORY) for path in above}, **tree}


def _attributed(tree: Tree, said: Attributes, top: os.stat_result) -> Tree:
    """Return the tree with the owners and modes that the task sets; new files get the volume's owner."""
    return with_attributes(owned(tree, top.st_uid, top.st_gid), said)


def _own_attributes(request: ContentRequest, tree: Tree, top: str) -> Tree:
    """Return the files of the list, with their own owner and mode where these are set."""
    found = {}
    for one in request.files:
        path = f"{top}/{one.path}" if top else one.path
        own = on_host(one.owner, one.group)
        found.update(with_attributes({path: tree[path]}, Attributes(own.uid, own.gid, one.mode)))
    return found


# -- the result ------------------------------------------------------------------------------------


def _outcome(engine: Engine, request: ContentRequest, synced: Synced) -> Outcome:
    name = request.volume
    if synced.changes and not engine.predicting:
        engine.tell("volume", "content", name, name)
    where = "" if request.dest.strip("/") == "" else f":/{request.dest.strip('/')}"
    return outcome(synced, f"changed the content of volume {name}{where}")


@contextmanager
def _explained(request: ContentRequest) -> Iterator[None]:
    """Translate the kernel's errors into StoreFull and WrongState, naming the volume."""
    try:
        with with_room(f"in volume {request.volume}", request.volume):
            yield
    except OSError as error:
        if error.errno not in _SWAPPED:
            raise
        where = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else request.dest
        raise WrongState(
            f"{where} in volume {request.volume} was changed during the write: {error.strerror}",
            remedy="Try again when the containers that use the volume are not changing it",
            path=where,
        ) from error


def check_path(option: str, path: str) -> str:
    """Return the path if it is a valid path below the destination. Raises InvalidOption."""
    names = path.split("/")
    if not path or {"", ".", ".."} & {*names} or "\0" in path:
        raise InvalidOption(option, path, "is not a path below dest", remedy="Write it as in conf/app.conf")
    return path
