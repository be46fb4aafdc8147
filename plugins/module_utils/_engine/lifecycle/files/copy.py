# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy files into a container and out of it, idempotently (podman-cp(1), rsync(1)).

Paths in the container are resolved in its root by descriptors: if a process of the container swaps a directory for a symlink
meanwhile, the copy can at most go elsewhere in the container.
"""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Optional

from ...errors import InvalidOption, WrongState
from ...frozen import dataclass, replace
from ...kernel.files import directory
from ...model.engine.record import ContainerRecord
from ...model.values.globs import Excluded, matcher, nothing
from ...model.values.idmap import IdMap
from ...trees.sync import Attributes, Tree, Wanted, owned, with_attributes, without_setuid
from ...trees.sync_target import Synced, sync
from ..core.engine import Engine
from ..core.lookup import find
from ..core.origin import source_of
from ..core.outcome import Outcome
from . import copy_owners
from .container_files import Inside, ReadOnly, within
from .copy_ends import Source, Target, is_contents, looked_at, read_source, target
from .copy_owners import Owners

#: The most changes that a result lists.
_LISTED = 1000
#: The kernel's errors for a path that has changed since it was looked up.
_SWAPPED = frozenset(
    {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ELOOP,
        errno.ESTALE,
        errno.ENOTEMPTY,
        errno.EEXIST,
        errno.EINVAL,
    }
)


@dataclass(frozen=True)
class CopyRequest:
    """The request of a task; of ``src`` and ``dest`` one is a path in the container, the other on the host.

    ``parcel``: a tar to copy in, or to write when copying out; it replaces the path on the host. ``archive``: new files
    belong to the container's user, as with ``podman cp``; otherwise owners are kept. ``keep_setuid``: copy setuid and setgid
    bits out of the container too. ``mode`` and ``directory_mode``: None keeps the source's, or without ``keep_modes`` the
    destination's. Without ``force`` existing files are left alone.
    """

    container: str
    src: str
    dest: str
    from_container: bool = False
    parcel: Optional[str] = None
    archive: bool = True
    overwrite: bool = False
    follow: bool = False
    local_follow: bool = False
    owner: Optional[str] = None
    group: Optional[str] = None
    mode: Optional[int] = None
    directory_mode: Optional[int] = None
    keep_modes: bool = True
    exclude: tuple[str, ...] = ()
    delete: bool = False
    force: bool = True
    keep_setuid: bool = False


def copy(engine: Engine, request: CopyRequest) -> Outcome:
    """Copy what differs, in either direction, and return the changes.

    Raises NotFound, InvalidOption, WrongState, ReadOnly, KindDiffers, CannotCopy, StoreFull.
    """
    record = find(engine, request.container)
    request = _absolute(engine, record, request)
    excluded = matcher("exclude", request.exclude)
    with engine.timings.of("copy"), directory("/") as host:
        if request.from_container:
            return copy_out(engine, record, request, excluded, host)
        if request.parcel is not None:
            source = received(request.parcel, request.src)
        else:
            source = read_source(host, request.src, follow=request.local_follow, excluded=excluded)
        synced = copy_in(engine, record, request, source, excluded)
    return outcome(synced, f"copied {request.src} to {record.name}:{request.dest}")


def _absolute(engine: Engine, record: ContainerRecord, request: CopyRequest) -> CopyRequest:
    """Return the request with the container's path made absolute (podman: pathAbs)."""
    if request.from_container:
        return replace(request, src=in_container(engine, record, request.src))
    return replace(request, dest=in_container(engine, record, request.dest))


def in_container(engine: Engine, record: ContainerRecord, path: str) -> str:
    """Return the absolute form of a path in the container; a relative one starts at its working directory."""
    if path.startswith("/"):
        return path
    config = source_of(engine, record).config
    return posixpath.join(record.spec.workdir or (config.working_dir if config else "") or "/", path)


def copy_in(
    engine: Engine,
    record: ContainerRecord,
    request: CopyRequest,
    source: Source,
    excluded: Excluded = nothing,
) -> Synced:
    """Copy the source to ``request.dest`` in the container."""
    user = copy_owners.user_of(engine, record)

    def act(inside: Inside) -> Synced:
        root_fd, path = inside.locate(request.dest)
        with target(root_fd, path, source, follow=request.follow, through=True) as found:
            inside.check_mount(found.fd, request.dest, writes=True)
            owners = copy_owners.inside(
                inside.fd, inside.mapping, owner=request.owner, group=request.group, user=user
            )
            _check_delete(request, found, inside.fd)
            tree = _attributed(found.tree, request, owners, inside.mapping)
            return _synced(engine, found, tree, request, excluded)

    with explained(record, request.dest):
        return within(engine, record, act, writes=not engine.predicting, what="copy")


def copy_out(
    engine: Engine, record: ContainerRecord, request: CopyRequest, excluded: Excluded, host: int
) -> Outcome:
    """Copy ``request.src`` from the container to the host, or into a tar for the controller."""

    def act(inside: Inside) -> Outcome:
        root_fd, path = inside.locate(request.src)
        source = read_source(root_fd, path, follow=request.local_follow, excluded=excluded)
        if not request.keep_setuid:
            source = source._replace(tree=without_setuid(source.tree))
        with looked_at(root_fd, path) as fd:
            inside.check_mount(fd, request.src, writes=False)
        if request.parcel is not None:
            return _sent(source, request)
        with target(host, request.dest, source, follow=request.follow, through=False) as found:
            _check_delete(request, found, host)
            owners = copy_owners.on_host(request.owner, request.group)
            back = inside.mapping.inverse() if inside.mapping else None
            tree = _attributed(found.tree, request, owners, back)
            synced = _synced(engine, found, tree, request, excluded)
        return outcome(synced, f"copied {record.name}:{request.src} to {request.dest}")

    with explained(record, request.src):
        return within(engine, record, act, writes=False, what="copy")


# -- the wanted tree ---------------------------------------------------------------------------------


def _synced(engine: Engine, found: Target, tree: Tree, request: CopyRequest, excluded: Excluded) -> Synced:
    return sync(
        tree,
        found.place,
        top=found.top,
        delete=request.delete,
        excluded=excluded,
        overwrite=request.overwrite,
        only_new=not request.force,
        predicting=engine.predicting,
        diff=True,
    )


def _check_delete(request: CopyRequest, found: Target, root_fd: int) -> None:
    if request.delete and found.is_file:
        raise InvalidOption("delete", True, "cannot be used with a file", remedy="Copy a directory")
    if request.delete and found.is_root(root_fd):
        why = "would delete everything else in the root file system"
        raise InvalidOption("delete", True, why, remedy="Copy to a directory below the root")


def _attributed(tree: Tree, request: CopyRequest, owners: Owners, mapping: Optional[IdMap]) -> Tree:
    """Return the tree with the owners and modes that the request sets."""
    if request.archive:
        tree = owned(tree, owners.new_uid, owners.new_gid)
    elif mapping is not None:
        tree = {path: _mapped(wanted, mapping) for path, wanted in tree.items()}
    if not request.keep_modes:
        tree = {path: replace(wanted, mode=None, usual_mode=None) for path, wanted in tree.items()}
    return with_attributes(tree, Attributes(owners.uid, owners.gid, request.mode, request.directory_mode))


def _mapped(wanted: Wanted, mapping: IdMap) -> Wanted:
    usual_uid, usual_gid = mapping.host(wanted.usual_uid, wanted.usual_gid)
    if wanted.uid is None or wanted.gid is None:
        return replace(wanted, usual_uid=usual_uid, usual_gid=usual_gid)
    uid, gid = mapping.host(wanted.uid, wanted.gid)
    return replace(wanted, uid=uid, gid=gid, usual_uid=usual_uid, usual_gid=usual_gid)


def received(parcel: str, src: str) -> Source:
    """Return the source that the controller sent in a tar, named as ``src`` implies."""
    from ...trees.sync_archive import read_archive, read_root

    tree, root = read_archive(parcel), read_root(parcel)
    contents = is_contents(src)
    top = "" if contents else os.path.basename(src)
    is_file = not contents and [*tree] == [top] and tree[top].kind != "directory"
    return Source(tree, is_file, "" if is_file else top, root)


def _sent(source: Source, request: CopyRequest) -> Outcome:
    from ...trees.sync_archive import ROOT, write_archive

    said = Attributes(mode=request.mode, directory_mode=request.directory_mode)
    tree = source.tree if source.is_file or source.top else {ROOT: source.root, **source.tree}
    write_archive(request.parcel or "", with_attributes(tree, said))
    return Outcome(result={"is_file": source.is_file})


# -- the result --------------------------------------------------------------------------------------


def outcome(synced: Synced, action: str) -> Outcome:
    """Return a task's outcome with each path that has changed, or would change in check mode."""
    listed = [{"path": change.path, "changes": [*change.what]} for change in synced.changes[:_LISTED]]
    result: dict[str, Any] = {"changes": listed, "change_count": len(synced.changes), "diff": synced.diff}
    return Outcome((action,) if synced.changes else (), result=result)


@contextmanager
def explained(record: ContainerRecord, path: str) -> Iterator[None]:
    """Translate the kernel's errors into ReadOnly and WrongState, naming the container."""
    try:
        yield
    except OSError as error:
        where = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else path
        if error.errno == errno.EROFS:
            raise ReadOnly(where) from error
        if error.errno == errno.EBUSY:
            raise WrongState(
                f"{where} is a mount point in container {record.name} and cannot be replaced",
                remedy="Write to the source of the mount",
                path=where,
            ) from error
        if error.errno in _SWAPPED:
            raise WrongState(
                f"{where} in container {record.name} was changed during the copy: {error.strerror}",
                remedy="Try again when the container is not changing it",
                path=where,
            ) from error
        raise
