# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpack one layer's tar stream into an empty directory, in the form that overlayfs mounts.

Source: OCI image-spec v1.1, layer.md ("Applying Changesets", "Whiteouts"). Directories get their owner, mode, attributes and
times last: their times change with every entry, and entries created in them would inherit a set-group-id bit or a default ACL.
Whiteouts come last too, because one that follows its namesake in the stream must hide the name in lower layers, not the
namesake.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence

from ...errors import ArchiveBroken, EngineError, HostLacks, StoreFull, UnsafeEntry
from ...frozen import dataclass
from ...kernel import libc
from ...trees import whiteouts
from ..tar import attributes, read
from ..tar.printable import show
from ..tar.read import Chunks, Entry
from ..tar.streams import write_all
from .copy_up import copy_up
from .directory import LayerDirectory, Place, components, unsafe
from .lowers import Lowers, Path
from .recipe import RecordedChunks, Recorder

_AUFS = b".wh..wh."
#: The most names of ignored attributes to report.
_MOST_LEFT_OUT = 10
#: The kernel's errors for impossible names, links and attributes.
_OF_THE_ENTRY = (
    *(errno.ENAMETOOLONG, errno.EINVAL, errno.ENOTDIR, errno.ENOENT, errno.EISDIR, errno.EMLINK, errno.ELOOP),
    *(errno.E2BIG, errno.ERANGE, errno.EOVERFLOW, errno.EFBIG),
)
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class LayerContent:
    """The result of unpacking a layer: the number of its entries, and the bytes of its files.

    ``left_out``: extended attributes of other systems, which no file system here supports.
    """

    entries: int
    bytes: int
    left_out: tuple[str, ...] = ()


def unpack(
    stream: Iterator[bytes], *, into: int, lowers: Sequence[str], recorder: Recorder | None = None
) -> LayerContent:
    """Unpack a plain tar stream into the empty directory with descriptor ``into`` and write it to the disk.

    ``lowers`` are the diff directories of the layers below, topmost first. The stream is read to its end, so that a digest check
    at its end takes place, and its errors come before those of the content. ``recorder`` records the recipe to reassemble the
    stream. Raises ArchiveBroken, UnsafeEntry, StoreFull, HostLacks; after an error the content of ``into`` must be
    discarded.
    """
    source = RecordedChunks(stream, recorder) if recorder else Chunks(stream)
    replace = recorder.replace if recorder else _removed
    with Lowers(lowers) as below, LayerDirectory(into, below, replace) as directory:
        try:
            content = _Unpacking(source, directory, below, recorder).run()
        except (ArchiveBroken, UnsafeEntry):
            source.drain()
            raise
        source.drain()
    if recorder:
        recorder.finish()
    libc.syncfs(into)
    return content


def _removed(_name: bytes, _parent: Place) -> bool:
    return False


def unpack_tree(stream: Iterator[bytes], *, into: int, model: int) -> LayerContent:
    """Unpack a plain tar stream that is not a layer, so ``.wh.x`` is a plain file. See :func:`unpack`.

    ``model``: an open directory whose owner, mode and attributes the top gets if the stream has no entry for it.
    """
    source = Chunks(stream)
    with Lowers(()) as below, LayerDirectory(into, below, _removed) as directory:
        content = _Tree(source, directory, below, model).run()
        source.drain()
    libc.syncfs(into)
    return content


class _Unpacking:
    """One run of :func:`unpack`; paths in its tables are true ones, with links resolved."""

    def __init__(
        self, source: Chunks, directory: LayerDirectory, below: Lowers, recorder: Recorder | None = None
    ) -> None:
        self._recorder = recorder
        self._source = source
        self._directory = directory
        self._below = below
        self._listed: dict[Path, Entry] = {}
        self._whiteouts: dict[Path, Entry] = {}
        self._opaque: set[Path] = set()
        self._mark_depths: set[int] = set()
        self._left_out: set[bytes] = set()
        self._make = {
            read.FILE: self._file,
            read.HARD_LINK: self._hard_link,
            read.SYMLINK: self._symlink,
            read.CHAR: self._node,
            read.BLOCK_DEVICE: self._node,
            read.FIFO: self._node,
        }

    def run(self) -> LayerContent:
        count = size = 0
        for entry in read.entries(self._source):
            count += 1
            size += entry.stored
            with _Named(entry):
                self._apply(entry)
        self._hide()
        self._finish_directories()
        return LayerContent(count, size, tuple(sorted(map(show, self._left_out))))

    # -- one entry -------------------------------------------------------------------------------

    def _apply(self, entry: Entry) -> None:
        path = components(entry.name, entry=entry.name)
        if path and self._is_mark(path[-1]):
            self._source.skip(entry.stored)
            self._note_whiteout(entry, path)
        elif entry.kind == read.DIRECTORY:
            self._list_directory(entry, path)
        elif not path:
            raise unsafe(entry.name, "it would replace the layer's own directory")
        else:
            parent = self._directory.place(path[:-1], entry=entry.name)
            self._make[entry.kind](entry, path[-1], parent)

    def _is_mark(self, name: bytes) -> bool:
        return name.startswith(whiteouts.PREFIX)

    def _note_whiteout(self, entry: Entry, path: Path) -> None:
        if self._directory.is_replaced(path[:-1]) and self._below.has_directory(path[:-1]):
            # Some programs (umoci) record that a directory is now a link, and then whiteouts for its former content. If the path
            # were followed, the whiteout would hide files at the link's target.
            return
        if path[-1] == whiteouts.OPAQUE_FILE:
            parent = self._directory.place(path[:-1], entry=entry.name)
            self._opaque.add(parent.path)
            self._mark_depths.add(len(parent.path))
        elif not path[-1].startswith(_AUFS):
            name = path[-1][len(whiteouts.PREFIX) :]
            if name in (b"", b".", b".."):
                raise unsafe(entry.name, "it would hide its own directory")
            parent = self._directory.place(path[:-1], entry=entry.name)
            hidden = (*parent.path, name)
            self._whiteouts[hidden] = entry
            self._mark_depths.add(len(hidden))

    def _list_directory(self, entry: Entry, path: Path) -> None:
        true: Path = ()
        if path:
            parent = self._directory.place(path[:-1], entry=entry.name)
            self._directory.make_directory(path[-1], parent)
            true = (*parent.path, path[-1])
        self._directory.implied.discard(true)
        self._listed[true] = entry

    def _file(self, entry: Entry, name: bytes, parent: Place) -> None:
        fd = self._new_file(name, parent)
        if self._recorder and entry.stored:
            self._recorder.content(b"/".join((*parent.path, name)), entry)
        try:
            if entry.extents is None:
                for piece in self._source.pieces(entry.stored):
                    write_all(fd, piece)
            else:
                self._write_extents(fd, entry)
            self._note(attributes.set_on_file(fd, entry))
        finally:
            os.close(fd)

    def _note(self, left_out: tuple[bytes, ...]) -> None:
        if left_out and len(self._left_out) < _MOST_LEFT_OUT:
            self._left_out.update(left_out[:_MOST_LEFT_OUT])

    def _new_file(self, name: bytes, parent: Place) -> int:
        try:
            return os.open(name, _NEW_FILE, 0o600, dir_fd=parent.fd)
        except FileExistsError:
            self._directory.remove(name, parent)
            return os.open(name, _NEW_FILE, 0o600, dir_fd=parent.fd)

    def _write_extents(self, fd: int, entry: Entry) -> None:
        for offset, length in entry.extents or ():
            os.lseek(fd, offset, os.SEEK_SET)
            for piece in self._source.pieces(length):
                write_all(fd, piece)
        os.ftruncate(fd, entry.size)

    def _symlink(self, entry: Entry, name: bytes, parent: Place) -> None:
        self._make_room(name, parent)
        os.symlink(entry.link, name, dir_fd=parent.fd)
        self._note(attributes.set_on_name(name, parent.fd, entry))

    def _node(self, entry: Entry, name: bytes, parent: Place) -> None:
        self._make_room(name, parent)
        os.mknod(name, attributes.file_type(entry) | 0o600, os.makedev(*entry.device), dir_fd=parent.fd)
        self._note(attributes.set_on_name(name, parent.fd, entry))

    def _make_room(self, name: bytes, parent: Place) -> None:
        try:
            os.stat(name, dir_fd=parent.fd, follow_symlinks=False)
        except FileNotFoundError:
            return
        self._directory.remove(name, parent)

    def _hard_link(self, entry: Entry, name: bytes, parent: Place) -> None:
        target = components(entry.link, entry=entry.name)
        if not target:
            raise unsafe(entry.name, "it is a hard link to the layer's own directory")
        source = self._target(entry, target)
        if (*source.path, target[-1]) == (*parent.path, name):
            return
        if self._directory.is_directory(target[-1], source):
            raise ArchiveBroken(
                f"the entry {show(entry.name)} is a hard link to a directory", entry=show(entry.name)
            )
        self._make_room(name, parent)
        if self._recorder:
            self._recorder.has_links = True
        os.link(target[-1], name, src_dir_fd=source.fd, dst_dir_fd=parent.fd, follow_symlinks=False)
        attributes.set_on_link(name, parent.fd, entry)

    def _target(self, entry: Entry, target: Path) -> Place:
        """Return the directory of a hard link's target; copy the target up if only a lower layer has it."""
        with contextlib.suppress(FileNotFoundError):
            place = self._directory.place(target[:-1], entry=entry.name, make=False)
            os.stat(target[-1], dir_fd=place.fd, follow_symlinks=False)
            return place
        found = None if self._is_hidden(target) else self._below.find(target)
        if found is None:
            why = f"is a hard link to {show(entry.link)}, which does not exist in the image"
            raise ArchiveBroken(f"the entry {show(entry.name)} {why}", entry=show(entry.name))
        try:
            place = self._directory.place(target[:-1], entry=entry.name)
            copy_up(target[-1], from_fd=found[0], into_fd=place.fd)
        finally:
            os.close(found[0])
        return place

    # -- the end of the layer --------------------------------------------------------------------

    def _is_hidden(self, path: Path) -> bool:
        """Return whether this layer's whiteouts hide a path of the lower layers."""
        if path in self._whiteouts:
            return True
        above = (path[:depth] for depth in self._mark_depths if depth < len(path))
        return any(one in self._opaque or one in self._whiteouts for one in above)

    def _hide(self) -> None:
        if () in self._opaque:
            self._hide_all()
        for path, entry in self._whiteouts.items():
            with _Named(entry):
                self._white_out(path)
        for path in self._opaque:
            place = self._open_again(path)
            if place is not None:
                whiteouts.make_opaque(place.fd)

    def _hide_all(self) -> None:
        """Hide each name of the lower layers by itself: overlayfs merges roots of layers even if opaque."""
        root = self._directory.place((), entry=b"")
        for name in self._below.names():
            if self._directory.is_directory(name, root):
                self._opaque.add((name,))
            else:
                whiteouts.white_out(root.fd, name)

    def _white_out(self, path: Path) -> None:
        parent = self._open_again(path[:-1])
        if parent is None:
            return
        if self._directory.is_directory(path[-1], parent):
            # Removed and created again in one layer: it has only what this layer puts into it.
            self._opaque.add(path)
        elif not self._is_alone(path[:-1]) and self._below.shows(path):
            # A whiteout that hides nothing would show up in listings of an unmerged directory. An entry of this layer with
            # that name hides the lower ones as well.
            whiteouts.white_out(parent.fd, path[-1])

    def _is_alone(self, path: Path) -> bool:
        """Return whether a directory of this layer is not merged with lower ones, because they are hidden."""
        return path in self._opaque or self._is_hidden(path)

    def _open_again(self, path: Path) -> Place | None:
        # A later entry may have replaced the directory.
        try:
            place = self._directory.place(path, entry=b"/".join(path), make=False)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return place if place.path == path else None

    def _finish_directories(self) -> None:
        for path, entry in self._listed.items():
            place = self._open_again(path)
            if place is not None:
                with _Named(entry):
                    self._note(attributes.set_on_file(place.fd, entry))
        for path in sorted(self._directory.implied):
            place = self._open_again(path)
            if place is not None:
                self._finish_implied(place)

    def _finish_implied(self, place: Place) -> None:
        lower = None if self._is_hidden(place.path) else self._below.open_directory(place.path)
        if lower is None:
            attributes.set_default(place.fd)
            return
        try:
            attributes.copy(lower, place.fd)
        finally:
            os.close(lower)


class _Tree(_Unpacking):
    """One run of :func:`unpack_tree`."""

    def __init__(self, source: Chunks, directory: LayerDirectory, below: Lowers, model: int) -> None:
        super().__init__(source, directory, below)
        self._model = model

    def _is_mark(self, name: bytes) -> bool:  # noqa: ARG002  (there are no whiteouts)
        return False

    def _finish_implied(self, place: Place) -> None:
        if place.path:
            super()._finish_implied(place)
        else:
            attributes.copy(self._model, place.fd)


class _Named:
    """Converts a system error to one that names the entry; a generator would cost more per entry."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError):
            raise _failure(self._entry, error) from error


def _failure(entry: Entry, error: OSError) -> EngineError | OSError:
    what = f"the entry {show(entry.name)} cannot be created: {error.strerror}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(
            "the disk is full; a layer could not be unpacked", remedy="Free some space and run the task again"
        )
    if error.errno in (errno.EPERM, errno.ENOTSUP):
        return HostLacks(
            what, remedy="Use a file system for the store that allows devices and extended attributes"
        )
    if error.errno in _OF_THE_ENTRY:
        return ArchiveBroken(what, entry=show(entry.name))
    return error
