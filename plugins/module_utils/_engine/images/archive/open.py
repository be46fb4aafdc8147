# SPDX-License-Identifier: GPL-3.0-or-later
"""Open an image archive in any format: OCI layout or docker archive, as a tar or a directory; docker-dir."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from ...errors import ArchiveBroken, NotFound, StoreFull
from ...frozen import replace
from ..tar import decompress, streams
from . import docker, docker_dir, oci_layout
from .error_path import telling
from .image import ArchivedImage, ArchivedLayer
from .members import Content, DirectoryMembers, Members, TarMembers, opened_file, read_document

__all__ = ["Archive", "ArchivedImage", "ArchivedLayer", "open_archive"]


class Archive:
    """An open archive: its images, and their layers as checked streams."""

    def __init__(self, members: Members, images: tuple[ArchivedImage, ...]) -> None:
        self._members = members
        self.images = _merged(images)
        #: Called with the length of each chunk of a layer's blob that was read.
        self.on_read: Callable[[int], object] = _ignore
        self._checked: set[str] = set()

    def layer(self, layer: ArchivedLayer) -> AbstractContextManager[Iterator[bytes]]:
        """Stream a layer's plain tar, read ahead in a thread; its digests are checked at its end."""
        return streams.ahead(self._verified(layer))

    def check(self, layer: ArchivedLayer) -> None:
        """Check an unneeded layer against its digest, once; if the blob has one, it is not decompressed."""
        if layer.member in self._checked:
            return
        with streams.ahead(self.stored(layer) if layer.digest else self._verified(layer)) as chunks:
            for _chunk in chunks:
                pass
        self._checked.add(layer.member)

    def wait(self, layer: ArchivedLayer) -> None:
        """Do nothing: the archive is local."""

    def _verified(self, layer: ArchivedLayer) -> Iterator[bytes]:
        return streams.verified(
            self._read(layer),
            what=_label(layer),
            digest=layer.digest,
            size=layer.size,
            diff_id=layer.diff_id,
        )

    def stored(self, layer: ArchivedLayer) -> Iterator[bytes]:
        """Yield a layer's blob unchanged; its digest, if known, is checked at its end."""
        digest = streams.Digest(layer.digest)
        yield from digest.through(self._read(layer))
        digest.check(layer.digest, what=_label(layer), size=layer.size)

    def stored_size(self, layer: ArchivedLayer) -> int:
        """Return the size of a layer's blob in bytes; raises ArchiveBroken where there is none."""
        return self._section(layer).size

    def _read(self, layer: ArchivedLayer) -> Iterator[bytes]:
        for chunk in self._section(layer).chunks():
            self.on_read(len(chunk))
            yield chunk

    def _section(self, layer: ArchivedLayer) -> Content:
        section = self._members.find(layer.member)
        if section is None:
            raise ArchiveBroken(f"the archive lacks the layer {layer.member!r}", layer=layer.member)
        return section


def _ignore(_count: int) -> None:
    """Do nothing."""


def _label(layer: ArchivedLayer) -> str:
    return f"the layer {layer.digest or layer.member}"


def _merged(images: tuple[ArchivedImage, ...]) -> tuple[ArchivedImage, ...]:
    """Return each image once, with all its names."""
    once: dict[str, ArchivedImage] = {}
    for image in images:
        known = once.setdefault(image.id, image)
        names = tuple(dict.fromkeys((*known.names, *image.names)))
        others = tuple(dict.fromkeys((*known.not_names, *image.not_names)))
        once[image.id] = replace(known, names=names, not_names=others)
    return tuple(once.values())


@contextmanager
def open_archive(path: str, *, staging: str) -> Iterator[Archive]:
    """Open an archive and read its images; errors about its content name the archive, until it is closed.

    A tar that is compressed as a whole is decompressed once into an unnamed file in the directory
    ``staging``, which must exist; any other archive is read in place. Raises NotFound, ArchiveBroken,
    DigestMismatch, HostLacks (zstd), StoreFull.
    """
    with telling(path), ExitStack() as stack:
        try:
            looked_at = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise _not_there(path) from error
        stack.callback(os.close, looked_at)
        if stat.S_ISDIR(os.fstat(looked_at).st_mode):
            yield _of_directory(path, stack)
        else:
            yield _of_file(path, opened_file("the archive", looked_at, stack), stack, staging=staging)


def _not_there(path: str) -> NotFound:
    remedy = "Copy the archive to the host of the task first: the path is one on that host"
    error = NotFound("archive", path, remedy=remedy)
    error.message = f"{error.message} on the host {os.uname().nodename}"
    return error


def _of_directory(path: str, stack: ExitStack) -> Archive:
    members = DirectoryMembers(path, stack)
    if members.find(oci_layout.INDEX) is not None:
        return _of_layout(members, name=os.path.basename(os.path.realpath(path)).lower())
    raw = read_document(members, docker_dir.MANIFEST)
    if raw is not None and raw.lstrip().startswith(b"{"):
        blobs, image = docker_dir.image(members, raw)
        return Archive(blobs, (image,))
    return _of_docker(members, path)  # an unpacked docker archive


def _of_file(path: str, fd: int, stack: ExitStack, *, staging: str) -> Archive:
    head = os.pread(fd, 8, 0)
    if not head:
        raise ArchiveBroken(f"{path} is empty", path=path)
    if decompress.is_compressed(head):
        fd = _decompressed(fd, stack, staging=staging)
    members = TarMembers(fd)
    # Newer versions of docker save write both; the OCI format has the digests.
    if members.find(oci_layout.INDEX) is not None:
        return _of_layout(members, name="")
    return _of_docker(members, path)


def _of_layout(members: Members, *, name: str) -> Archive:
    try:
        return Archive(members, oci_layout.images(members, name=name))
    except oci_layout.LayersMissing:
        # Release candidates of Docker 25 wrote OCI manifests without layers, but complete docker ones (moby/moby#47065).
        if members.find(docker.MANIFEST) is None:
            raise
        return Archive(members, docker.images(members))


def _of_docker(members: Members, path: str) -> Archive:
    if members.find(docker.MANIFEST) is not None:
        return Archive(members, docker.images(members))
    if members.find(docker.REPOSITORIES) is not None:
        raise ArchiveBroken(
            f"{path} was saved by a Docker older than 1.10: it lists its images only in {docker.REPOSITORIES}",
            remedy="Load it into a newer Docker or podman and save it again there",
            path=path,
        )
    raise ArchiveBroken(
        f"{path} contains no image: it has neither {oci_layout.INDEX} nor {docker.MANIFEST}",
        remedy="To create an image from a tree of files, use image_import",
        path=path,
    )


def _decompressed(fd: int, stack: ExitStack, *, staging: str) -> int:
    try:
        plain = stack.enter_context(tempfile.TemporaryFile(dir=staging, buffering=0))  # noqa: SIM115 (the stack closes it)
        with streams.ahead(decompress.decoded(streams.section(fd, 0))) as chunks:
            for chunk in chunks:
                streams.write_all(plain.fileno(), memoryview(chunk))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(
                f"no space is left in {staging} for the archive", remedy="Free some space"
            ) from error
        raise
    return plain.fileno()
