# SPDX-License-Identifier: GPL-3.0-or-later
"""The blob store: blobs of registries and archives, in ``BLOBS/sha256/HEX``; each is whole or absent.

A blob that is being written is ``BLOBS/partial/ALGORITHM-HEX``, locked (flock) by its writer, so a second writer waits and
then finds the blob. The next writer resumes what a killed one has left. Source: OCI image-spec v1.1, image-layout.md.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, NamedTuple

from ..errors import DigestMismatch, NotFound
from ..kernel import files
from ..model.values import digests
from .tar import streams

_FILE = os.O_NOFOLLOW | os.O_CLOEXEC
_PARTIAL = "partial"
#: Seconds for which an interrupted download is kept, so that the next one can resume it.
_PATIENCE = 7 * 86400.0


class BlobStore:
    """A store of blobs below a directory, which is created if missing; an invalid digest raises NotFound."""

    def __init__(self, path: str) -> None:
        self._path = path

    def path(self, digest: str) -> str:
        """Return the path of the blob with this digest, whether or not it exists."""
        return f"{self._path}/{self.member(digest)}"

    @staticmethod
    def member(digest: str) -> str:
        """Return the blob's path below the store."""
        if not digests.DIGEST.fullmatch(digest):
            raise NotFound(
                "blob", digest, remedy="Write sha256: and 64 hex digits, or a digest of sha384 or sha512"
            )
        return digest.replace(":", "/", 1)

    def has(self, digest: str) -> bool:
        """Return whether the blob exists."""
        return os.path.isfile(self.path(digest))

    def size(self, digest: str) -> int | None:
        """Return the blob's size in bytes, or None if it does not exist."""
        with suppress(FileNotFoundError):
            return os.stat(self.path(digest), follow_symlinks=False).st_size
        return None

    def list(self) -> tuple[str, ...]:
        """Return the digests of all blobs."""
        found = (
            f"{name}:{digits}"
            for name in sorted(digests.ALGORITHMS)
            for digits in _names(f"{self._path}/{name}")
        )
        return tuple(digest for digest in found if digests.DIGEST.fullmatch(digest))

    def open(self, digest: str) -> BinaryIO:
        """Open a blob for reading; the caller must check its digest. Raises FileNotFoundError."""
        return open(os.open(self.path(digest), os.O_RDONLY | _FILE), "rb", buffering=0)

    def content(self, digest: str) -> StoredBlob:
        """Return a blob as an archive's content; it is opened when it is read."""
        return StoredBlob(self, digest)

    def read(self, digest: str, limit: int) -> bytes | None:
        """Return a small blob; None if it is missing, larger than ``limit``, or does not match its digest."""
        try:
            with self.open(digest) as stream:
                raw = b"".join(streams.section(stream.fileno(), 0, limit + 1))
        except FileNotFoundError:
            return None
        check = streams.Digest(digest)
        for _chunk in check.through(iter((raw,))):
            pass
        return raw if len(raw) <= limit and check.text == digest else None

    def put(self, digest: str, raw: bytes) -> None:
        """Store a small blob whose digest has been checked; an existing one is kept."""
        with self.partial(digest) as partial:
            if partial is not None:
                partial.restart()
                partial.write(raw)
                partial.finish()

    @contextmanager
    def partial(self, digest: str) -> Iterator[Partial | None]:
        """Lock the file to write a blob to, waiting for its holder; yields None if the blob exists by then."""
        waiting = f"{self._path}/{_PARTIAL}/{digest.replace(':', '-', 1)}"
        for directory in (f"{self._path}/{_PARTIAL}", os.path.dirname(self.path(digest))):
            files.make_private(directory)
        while True:
            if self.has(digest):
                yield None
                return
            fd = os.open(waiting, os.O_RDWR | os.O_CREAT | _FILE, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
                if _is_still(waiting, fd):
                    yield None if self.has(digest) else Partial(fd, waiting, self.path(digest), digest)
                    return
            finally:
                os.close(fd)

    def remove(self, digest: str) -> None:
        """Remove a blob; do nothing if it does not exist."""
        with suppress(FileNotFoundError):
            os.unlink(self.path(digest))

    def is_sound(self, digest: str) -> bool:
        """Return whether a blob matches its digest; True if it has been removed meanwhile."""
        check = streams.Digest(digest)
        with suppress(FileNotFoundError), self.open(digest) as stream:
            for chunk in streams.section(stream.fileno(), 0):
                check.update(chunk)
            return check.text == digest
        return True

    def strangers(self) -> tuple[str, ...]:
        """Return the paths of files in the store that are not blobs."""
        top = {
            f"{self._path}/{name}"
            for name in _names(self._path)
            if name not in (*digests.ALGORITHMS, _PARTIAL)
        }
        below = {
            f"{self._path}/{one}/{name}"
            for one in digests.ALGORITHMS
            for name in _names(f"{self._path}/{one}")
        }
        return tuple(sorted(top | (below - {self.path(digest) for digest in self.list()})))

    def is_busy(self) -> bool:
        """Return whether a task is fetching blobs, which no image refers to yet."""
        if not os.path.isdir(self._path):
            return False
        with files.directory(self._path) as fd:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Protect blobs that no image refers to yet from a sweep."""
        files.make_private(self._path)
        with files.directory(self._path) as fd:
            fcntl.flock(fd, fcntl.LOCK_SH)
            yield

    def sweep(self, needed: Callable[[], Collection[str]]) -> int:
        """Remove unneeded blobs and old partial ones; return the bytes freed. Does nothing during downloads.

        ``needed`` is called once no task fetches blobs.
        """
        if not os.path.isdir(self._path):
            return 0
        with files.directory(self._path) as fd:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return 0
            return self._sweep(frozenset(needed()))

    def _sweep(self, needed: frozenset[str]) -> int:
        freed = 0
        for digest in set(self.list()) - needed:
            freed += self.size(digest) or 0
            self.remove(digest)
        waiting = f"{self._path}/{_PARTIAL}"
        return freed + sum(_swept(f"{waiting}/{name}") for name in _names(waiting))


class StoredBlob(NamedTuple):
    """A blob of a store, with the interface of an archive's content (archive/members.py, ``Content``)."""

    store: BlobStore
    digest: str

    @property
    def size(self) -> int:
        """The size in bytes; 0 if the blob does not exist."""
        return self.store.size(self.digest) or 0

    def chunks(self) -> Iterator[bytes]:
        """Read the blob in chunks; the caller must check its digest."""
        with self.store.open(self.digest) as stream:
            yield from streams.section(stream.fileno(), 0)


class Partial:
    """A blob being written, protected by its lock. ``size`` is the number of bytes so far."""

    def __init__(self, fd: int, waiting: str, final: str, digest: str) -> None:
        self._fd, self._waiting, self._final, self._digest = fd, waiting, final, digest
        self._check = streams.Digest(digest)
        self.size = 0
        for _chunk in self._check.through(streams.section(fd, 0)):
            pass
        self.size = self._check.size
        os.lseek(fd, self.size, os.SEEK_SET)

    def restart(self) -> None:
        """Discard everything written so far."""
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        self._check, self.size = streams.Digest(self._digest), 0

    def write(self, chunk: bytes) -> None:
        """Append a chunk."""
        streams.write_all(self._fd, memoryview(chunk))
        self._check.update(chunk)
        self.size = self._check.size

    @property
    def is_right(self) -> bool:
        """Return whether the bytes so far have the blob's digest."""
        return self._check.text == self._digest

    def finish(self) -> None:
        """Move the blob to its final path; raises DigestMismatch, after which nothing of it is kept."""
        if not self.is_right:
            os.unlink(self._waiting)
            raise DigestMismatch(
                f"blob {self._digest} has the digest {self._check.text}",
                expected=self._digest,
                actual=self._check.text,
            )
        os.fsync(self._fd)
        os.rename(self._waiting, self._final)
        files.fsync_directory(os.path.dirname(self._final))


def _is_still(path: str, fd: int) -> bool:
    """Return whether the locked file is the one that has this name now."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    mine = os.fstat(fd)
    return (found.st_dev, found.st_ino) == (mine.st_dev, mine.st_ino)


def _swept(path: str) -> int:
    """Remove a partial blob that is old and has no writer; return its bytes."""
    try:
        fd = os.open(path, os.O_RDWR | _FILE)
    except FileNotFoundError:
        return 0
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = os.fstat(fd)
        if time.time() - found.st_mtime < _PATIENCE:
            return 0
        os.unlink(path)
    except BlockingIOError:
        return 0
    finally:
        os.close(fd)
    return found.st_size


def _names(path: str) -> tuple[str, ...]:
    try:
        return tuple(sorted(os.listdir(path)))
    except FileNotFoundError:
        return ()
