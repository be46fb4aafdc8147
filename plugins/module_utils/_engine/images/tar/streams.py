# SPDX-License-Identifier: GPL-3.0-or-later
"""Byte streams of an archive: decompressed, checked against their digests, and read ahead in a thread.

A stream is an iterator of non-empty bytes. Each stage is a generator around the previous one, so every byte is
read, hashed, decompressed and hashed again once, on its way to its destination.
"""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import ArchiveBroken, DigestMismatch
from ...model.values import digests
from .decompress import decoded

#: Large enough to make Python's cost per chunk negligible, small enough to stay in the CPU's cache.
CHUNK = 1 << 20
#: The most chunks that the reading thread may be ahead of the writer.
_AHEAD = 8


def section(fd: int, offset: int, size: int | None = None) -> Iterator[bytes]:
    """Read a part of a file in chunks, or to its end if ``size`` is None; the file may end earlier."""
    end = None if size is None else offset + size
    while end is None or offset < end:
        chunk = os.pread(fd, CHUNK if end is None else min(CHUNK, end - offset), offset)
        if not chunk:
            return
        offset += len(chunk)
        yield chunk


def write_all(fd: int, piece: memoryview) -> None:
    """Write all of a piece, over several calls if the kernel accepts less."""
    while piece:
        piece = piece[os.write(fd, piece) :]


class Digest:
    """The running digest and size of a stream, with the algorithm of the expected digest, else sha256."""

    def __init__(self, expected: str | None = None) -> None:
        self._algorithm = digests.algorithm(expected) if expected else "sha256"
        self._hash = hashlib.new(self._algorithm)
        self.size = 0

    def through(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass the chunks on and add them to the digest."""
        for chunk in chunks:
            self.update(chunk)
            yield chunk

    def update(self, chunk: bytes) -> None:
        """Add a chunk."""
        self._hash.update(chunk)
        self.size += len(chunk)

    @property
    def text(self) -> str:
        """Return the digest so far, as ``ALGORITHM:HEX``."""
        return f"{self._algorithm}:{self._hash.hexdigest()}"

    def check(self, expected: str | None, *, what: str, size: int | None = None) -> None:
        """Raise ArchiveBroken for fewer bytes than ``size``, DigestMismatch if the digest differs."""
        if size is not None and self.size < size:
            raise ArchiveBroken(f"{what} is truncated: {self.size} of {size} bytes", what=what)
        if expected is not None and self.text != expected:
            raise DigestMismatch(
                f"{what} has the digest {self.text}, not {expected}",
                remedy="The archive was damaged or altered; get it again",
                expected=expected,
                actual=self.text,
            )


def verified(
    raw: Iterator[bytes],
    *,
    what: str,
    digest: str | None = None,
    size: int | None = None,
    diff_id: str | None = None,
) -> Iterator[bytes]:
    """Decompress a layer's blob and check both digests on the way; the errors come at the stream's end.

    ``digest`` and ``size`` are those of the stored blob, ``diff_id`` is the digest of the plain tar in it.
    Raises ArchiveBroken, DigestMismatch, HostLacks (zstd).
    """
    blob, plain = Digest(digest), Digest(diff_id)
    stored = blob.through(raw)
    if digest is not None and digest == diff_id:  # the blob is the plain tar itself: one hash is enough
        yield from stored
    else:
        try:
            yield from plain.through(decoded(stored))
        except ArchiveBroken:
            # A wrong digest of the whole blob is more informative than the place of the damage.
            _drain(stored)
            blob.check(digest, what=what, size=size)
            raise
    _drain(stored)  # a compressed stream may end before its blob does
    blob.check(digest, what=what, size=size)
    if digest != diff_id:
        plain.check(diff_id, what=f"{what}, unpacked,")


def _drain(chunks: Iterator[bytes]) -> None:
    for _chunk in chunks:
        pass


@contextmanager
def ahead(chunks: Iterator[bytes]) -> Iterator[Iterator[bytes]]:
    """Run a stream in a thread of its own, a few chunks ahead of the reader at most.

    Hashing and decompression release the interpreter lock, so they use a second CPU.
    """
    thread = _Ahead(chunks)
    thread.start()
    try:
        yield iter(thread)
    finally:
        thread.stop()


class _Ahead(threading.Thread):
    """The reading side of :func:`ahead`."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__(name="slipway-read-ahead", daemon=True)
        self._chunks = chunks
        self._room = threading.Semaphore(_AHEAD)
        self._queue: queue.SimpleQueue[bytes | BaseException | None] = queue.SimpleQueue()
        self._stopped = False

    def run(self) -> None:
        try:
            for chunk in self._chunks:
                self._room.acquire()
                if self._stopped:
                    break
                self._queue.put(chunk)
            self._queue.put(None)
        except BaseException as error:  # noqa: BLE001  (raised in the thread that reads)
            self._queue.put(error)

    def __iter__(self) -> Iterator[bytes]:
        while True:
            item = self._queue.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            self._room.release()
            yield item

    def stop(self) -> None:
        self._stopped = True
        self._room.release()
        self.join()
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()
