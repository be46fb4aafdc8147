# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a directory match the wanted files: each is replaced as a whole, and correct ones are not touched."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple, Optional

from ..kernel import libc
from ..kernel.atomic_file import FreshFile
from ..kernel.files import mount_id
from ..kernel.removal import remove_entry
from ..model.values import sparse
from ..model.values.globs import Excluded, nothing
from .cursor import open_directory, walk_trails
from .place import Place, read
from .sync import (
    CREATE,
    DELETE,
    DIRECTORY,
    FILE,
    KEPT,
    KIND,
    REWRITES,
    SPECIAL,
    SYMLINK,
    Change,
    Found,
    Tree,
    Wanted,
    compare,
    settled,
)
from .sync_diff import differences

_LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


class Synced(NamedTuple):
    """The changes, made or predicted; ``diff`` is in Ansible's form, with the content of small text files."""

    changes: list[Change]
    diff: list[dict[str, str]]


def sync(
    tree: Tree,
    place: Place,
    *,
    top: str = "",
    delete: bool = False,
    excluded: Excluded = nothing,
    overwrite: bool = False,
    only_new: bool = False,
    predicting: bool = False,
    diff: bool = False,
) -> Synced:
    """Make the place match the tree; ``predicting`` only returns the changes.

    ``delete``: delete everything below ``top`` that is not in the tree, except ``excluded`` entries (paths relative to
    ``top``) and other mounts. ``only_new``: leave existing entries alone. The place itself must exist; check mode
    treats a missing one as empty. Raises KindDiffers before anything is changed, OSError with the path when it can't be
    written: changes made until then stay, and each file is either the old or the new one.
    """
    found = look(tree, place)
    if delete:
        found = {**_all_below(place, top, excluded), **found}
    changes = compare(
        tree,
        found,
        lambda path: _same(tree[path], place, path.split("/")),
        delete=delete,
        overwrite=overwrite or only_new,
    )
    if only_new:
        changes = [change for change in changes if change.what == (CREATE,)]
    told = differences(tree, found, changes, place) if diff else []
    if not predicting and changes:
        _apply(tree, found, changes, place)
    return Synced(changes, told)


def remove(place: Place, name: str, *, predicting: bool) -> Synced:
    """Remove an entry and all below it. Raises OSError (EBUSY), with nothing removed, if there is a mount."""
    with _opened(place, "") as fd:
        found = look({name: Wanted(FILE)}, place)
        if not found:
            return Synced([], [])
        changes = [Change(name, (DELETE,))]
        told = differences({}, found, changes, place)
        _refuse_mount(fd, name)
        if found[name].kind == DIRECTORY:
            _refuse_mounts_below(fd, name)
        if not predicting:
            with suppress(FileNotFoundError):
                remove_entry(name, fd)
            libc.syncfs(fd)
    return Synced(changes, told)


def _refuse_mounts_below(fd: int, name: str) -> None:
    top = open_directory(fd, [name])
    try:
        mount = mount_id(top)

        def enters(directory: int, trail: Sequence[str]) -> bool:
            if mount_id(directory) != mount:
                raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), "/".join([name, *trail]))
            return True

        for _each in walk_trails(top, enters):
            pass
    finally:
        os.close(top)


# -- reading the place -----------------------------------------------------------------------------


def look(tree: Tree, place: Place) -> dict[str, Found]:
    """Return the existing entries at the paths of the tree."""
    found = {}
    for parent, names in _by_directory(tree).items():
        with suppress(FileNotFoundError, NotADirectoryError), _opened(place, parent) as fd:
            for name in names:
                path = f"{parent}/{name}" if parent else name
                with suppress(FileNotFoundError):
                    found[path] = _found(place, fd, path, tree[path].kind)
    return found


def _by_directory(tree: Tree) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for path in tree:
        parent, _slash, name = path.rpartition("/")
        names.setdefault(parent, []).append(name)
    return names


def _found(place: Place, fd: int, path: str, kind: str) -> Found:
    name = path.rpartition("/")[2]
    info = os.stat(name, dir_fd=fd, follow_symlinks=False)
    if stat.S_ISLNK(info.st_mode) and kind == DIRECTORY and place.through:
        # A symbolic link to a directory counts as the directory: /lib of most images is one.
        with suppress(FileNotFoundError, NotADirectoryError), _opened(place, path):
            return Found(KEPT)
    return _described(info, os.readlink(name, dir_fd=fd) if stat.S_ISLNK(info.st_mode) else "")


def _described(info: os.stat_result, link: str = "") -> Found:
    kinds = {stat.S_IFREG: FILE, stat.S_IFDIR: DIRECTORY, stat.S_IFLNK: SYMLINK}
    kind = kinds.get(stat.S_IFMT(info.st_mode), SPECIAL)
    return Found(kind, stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid, info.st_size, link)


def _all_below(place: Place, top: str, excluded: Excluded) -> dict[str, Found]:
    """Return all entries below ``top``; excluded ones and other mounts are KEPT, without those below them."""
    found: dict[str, Found] = {}
    with suppress(FileNotFoundError, NotADirectoryError), _opened(place, top) as fd:
        mount = mount_id(fd)

        def enters(directory: int, trail: Sequence[str]) -> bool:
            path = "/".join([*filter(None, [top]), *trail])
            if found[path].kind != KEPT and mount_id(directory) != mount:
                found[path] = Found(KEPT)
            return found[path].kind != KEPT

        for directory, trail, info in walk_trails(fd, enters):
            inner = "/".join(trail)
            link = os.readlink(trail[-1], dir_fd=directory) if stat.S_ISLNK(info.st_mode) else ""
            seen = Found(KEPT) if excluded(inner) else _described(info, link)
            found[f"{top}/{inner}" if top else inner] = seen
    return found


def _same(wanted: Wanted, place: Place, trail: list[str]) -> bool:
    """Return whether a file of the wanted size has the wanted content."""
    return sparse.same(wanted.pieces(), read(place, trail))


# -- changing the place ----------------------------------------------------------------------------


def _apply(tree: Tree, found: Mapping[str, Found], changes: list[Change], place: Place) -> None:
    for change in changes:
        parent, _slash, name = change.path.rpartition("/")
        try:
            with _opened(place, parent) as fd:
                if change.what == (DELETE,):
                    _delete(fd, name)
                else:
                    seen = found.get(change.path)
                    _make(fd, name, settled(tree[change.path], seen, change.what), change.what, seen)
        except OSError as error:
            raise OSError(error.errno, error.strerror, change.path) from error
    with suppress(FileNotFoundError), _opened(place, "") as fd:
        libc.syncfs(fd)


def _make(fd: int, name: str, wanted: Wanted, what: tuple[str, ...], found: Optional[Found]) -> None:
    if found and REWRITES & {*what}:
        _refuse_mount(fd, name)
    if KIND in what and found and DIRECTORY in (found.kind, wanted.kind):
        remove_entry(name, fd)
    if not REWRITES & {*what}:
        _attributes(fd, name, wanted)
    elif wanted.kind == DIRECTORY:
        os.mkdir(name, wanted.mode or 0, dir_fd=fd)
        _attributes(fd, name, wanted)
    elif wanted.kind == SYMLINK:
        _link(fd, name, wanted)
    else:
        _write(fd, name, wanted)


def _refuse_mount(directory: int, name: str) -> None:
    """Check that the name is not a mount point. Raises OSError (EBUSY).

    The kernel only protects mounts of our own namespace; a mount in a container's namespace would be detached there.
    """
    with suppress(FileNotFoundError):
        fd = os.open(name, _LOOK, dir_fd=directory)
        try:
            if mount_id(fd) != mount_id(directory):
                raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        finally:
            os.close(fd)


def _write(directory: int, name: str, wanted: Wanted) -> None:
    try:
        fresh = FreshFile(name, dir_fd=directory)
    except PermissionError:
        if os.fstat(directory).st_nlink:
            raise
        # This is overlayfs's error for a directory that was deleted meanwhile.
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from None
    try:
        _fill(fresh.fd, wanted.pieces())
        # A new owner clears setuid, so the mode comes after it.
        os.fchown(fresh.fd, wanted.uid or 0, wanted.gid or 0)
        os.fchmod(fresh.fd, wanted.mode or 0)
        if wanted.mtime_ns is not None:
            os.utime(fresh.fd, ns=(wanted.mtime_ns, wanted.mtime_ns))
        fresh.put()
    finally:
        fresh.close()


def _fill(fd: int, pieces: Iterator[sparse.Piece]) -> None:
    """Write the content; holes stay holes, and blocks of zeros become holes."""
    size = 0
    for offset, data in pieces:
        for start, part in sparse.cut(offset, data):
            if part.strip(b"\0"):
                _write_all(fd, part, start)
        size = offset + len(data)
    os.ftruncate(fd, size)


def _write_all(fd: int, piece: bytes, position: int) -> None:
    done = 0
    while done < len(piece):
        done += os.pwrite(fd, piece[done:], position + done)


def _link(fd: int, name: str, wanted: Wanted) -> None:
    with suppress(FileExistsError):
        os.symlink(wanted.link, name, dir_fd=fd)
        os.chown(name, wanted.uid or 0, wanted.gid or 0, dir_fd=fd, follow_symlinks=False)
        return
    temporary = f".{os.urandom(16).hex()}.new"
    os.symlink(wanted.link, temporary, dir_fd=fd)
    try:
        os.chown(temporary, wanted.uid or 0, wanted.gid or 0, dir_fd=fd, follow_symlinks=False)
        os.rename(temporary, name, src_dir_fd=fd, dst_dir_fd=fd)
    except OSError:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=fd)
        raise


def _attributes(directory: int, name: str, wanted: Wanted) -> None:
    fd = os.open(name, _LOOK, dir_fd=directory)
    try:
        info = os.fstat(fd)
        if stat.S_ISLNK(info.st_mode):
            os.chown(name, wanted.uid or 0, wanted.gid or 0, dir_fd=directory, follow_symlinks=False)
            return
        # O_PATH has no fchown(2) and fchmod(2).
        inode = f"/proc/self/fd/{fd}"
        os.chown(inode, wanted.uid or 0, wanted.gid or 0)
        os.chmod(inode, wanted.mode or 0)
    finally:
        os.close(fd)


def _delete(fd: int, name: str) -> None:
    """Delete one name. Raises OSError (ENOTEMPTY) for a directory with entries that were added meanwhile."""
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode):
            os.rmdir(name, dir_fd=fd)
        else:
            os.unlink(name, dir_fd=fd)


@contextmanager
def _opened(place: Place, path: str) -> Iterator[int]:
    fd = place.open(path.split("/") if path else ())
    try:
        yield fd
    finally:
        os.close(fd)
