# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening of an image archive in any of its forms: OCI layout directory, OCI archive, docker archive."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from ..errors import ArchiveBroken, NotFound, StoreFull
from . import compression, dockerarchive, ocilayout, streams
from .image import ArchivedImage, ArchivedLayer
from .members import DirectoryMembers, Members, TarMembers

__all__ = ["Archive", "ArchivedImage", "ArchivedLayer", "open_archive"]


class Archive:
    """An open archive: the images in it, and their layers as checked streams."""

    def __init__(self, members: Members, images: tuple[ArchivedImage, ...]) -> None:
        self._members = members
        self.images = images

    def layer(self, layer: ArchivedLayer) -> AbstractContextManager[Iterator[bytes]]:
        """Stream a layer's plain tar, read ahead in a thread; its digests are checked at its end."""
        section = self._members.find(layer.member)
        if section is None:
            raise ArchiveBroken(f"the archive lacks the layer {layer.member!r}", layer=layer.member)
        return streams.ahead(
            streams.verified(
                section.chunks(),
                what=f"the layer {layer.digest or layer.member}",
                digest=layer.digest,
                size=layer.size,
                diff_id=layer.diff_id,
            )
        )


@contextmanager
def open_archive(path: str, *, staging: str) -> Iterator[Archive]:
    """Open an archive and read what is in it.

    A tar that is compressed as a whole is decompressed once into a nameless file in the directory
    ``staging``, which must exist; any other archive is read in place. Raises NotFound, ArchiveBroken,
    DigestMismatch, HostLacks (zstd), StoreFull.
    """
    with ExitStack() as stack:
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError as error:
            raise NotFound("archive", path) from error
        stack.callback(os.close, fd)
        mode = os.fstat(fd).st_mode
        if stat.S_ISDIR(mode):
            yield _of_directory(path, stack)
        elif stat.S_ISREG(mode):
            yield _of_file(path, fd, stack, staging=staging)
        else:
            raise ArchiveBroken(f"{path} is neither a file nor a directory", path=path)


def _of_directory(path: str, stack: ExitStack) -> Archive:
    members = DirectoryMembers(path, stack)
    if members.find(ocilayout.INDEX) is None:
        raise ArchiveBroken(
            f"{path} is no OCI image layout: it has no {ocilayout.INDEX}",
            remedy="A tree of files becomes an image with image_import",
            path=path,
        )
    name = os.path.basename(os.path.realpath(path)).lower()
    return Archive(members, ocilayout.images(members, name=name))


def _of_file(path: str, fd: int, stack: ExitStack, *, staging: str) -> Archive:
    head = os.pread(fd, 8, 0)
    if not head:
        raise ArchiveBroken(f"{path} is empty", path=path)
    if compression.is_compressed(head):
        fd = _decompressed(fd, stack, staging=staging)
    members = TarMembers(fd)
    # Newer versions of docker save write both; the OCI form has the digests.
    if members.find(ocilayout.INDEX) is not None:
        return Archive(members, ocilayout.images(members, name=""))
    if members.find(dockerarchive.MANIFEST) is not None:
        return Archive(members, dockerarchive.images(members))
    raise ArchiveBroken(
        f"{path} holds no image: it has neither {ocilayout.INDEX} nor {dockerarchive.MANIFEST}",
        remedy="A tree of files becomes an image with image_import",
        path=path,
    )


def _decompressed(fd: int, stack: ExitStack, *, staging: str) -> int:
    try:
        plain = stack.enter_context(tempfile.TemporaryFile(dir=staging, buffering=0))  # noqa: SIM115 (the stack closes it)
        with streams.ahead(compression.decoded(streams.section(fd, 0))) as chunks:
            for chunk in chunks:
                streams.write_all(plain.fileno(), memoryview(chunk))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(f"no space is left in {staging} for the archive", remedy="Make room") from error
        raise
    return plain.fileno()
