# SPDX-License-Identifier: GPL-3.0-or-later
"""Download blobs into the store: two at a time, resumed where they broke off, checked as they arrive."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from ...errors import DigestMismatch, EngineError, RegistryFailed
from ..blobs import BlobStore, Partial
from .client import Repository
from .http import Response

#: The default number of parallel downloads.
AT_ONCE = 2
#: Bytes that an interrupted attempt must bring not to count; otherwise a registry that sends single bytes is retried for ever.
_ENOUGH = 1 << 16


class Blob(NamedTuple):
    """A blob to fetch: its digest, and its size in bytes according to the manifest."""

    digest: str
    size: int


class Cancelled(Exception):
    """The task has ended, so that the blob is no longer needed."""


class Downloads:
    """Downloads of blobs in threads, in order. A context manager; unfinished blobs are left to be resumed.

    ``others`` are fetched only if one is waited for and missing. ``arrived`` is called with the size of each chunk, in the
    threads.
    """

    def __init__(
        self,
        repository: Repository,
        store: BlobStore,
        blobs: Sequence[Blob],
        *,
        others: Sequence[Blob] = (),
        at_once: int = AT_ONCE,
        arrived: Callable[[int], object] = lambda _count: None,
    ) -> None:
        self._repository, self._store, self._arrived = repository, store, arrived
        self._others = {blob.digest: blob for blob in others}
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="slipway-pull")
        self._pending: dict[str, Future[None]] = {}
        for blob in blobs:
            self._pending.setdefault(blob.digest, self._pool.submit(self._fetch, blob))

    def __enter__(self) -> Downloads:  # noqa: PYI034  (Self came with Python 3.11)
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopped.set()
        for one in self._pending.values():
            one.cancel()
        self._pool.shutdown(wait=True)

    def wait(self, digest: str) -> None:
        """Wait until a blob is stored; raises the error of its download."""
        if digest in self._others and digest not in self._pending and not self._store.has(digest):
            self._pending[digest] = self._pool.submit(self._fetch, self._others[digest])
        if digest in self._pending:
            self._pending[digest].result()

    def _fetch(self, blob: Blob) -> None:
        with self._store.partial(blob.digest) as partial:
            if partial is None:
                self._arrived(blob.size)
                return
            try:
                fetch(self._repository, blob, partial, self._heard)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    partial.restart()  # else the remains would keep the disk full, and a prune needs some room
                raise

    def _heard(self, count: int) -> None:
        if self._stopped.is_set():
            raise Cancelled
        self._arrived(count)


def fetch(repository: Repository, blob: Blob, partial: Partial, heard: Callable[[int], object]) -> None:
    """Fetch the missing part of a blob, and store it. Bytes before an error are kept for the next attempt.

    Raises RegistryFailed, RegistryDenied, DigestMismatch.
    """
    heard(min(partial.size, blob.size))
    if _complete(repository, blob, partial, heard) and not partial.is_right:
        # One part was of something else: a range that was not asked for, or the page of a captive portal.
        partial.restart()
        _complete(repository, blob, partial, heard)
    _finish(repository, partial)


def _complete(repository: Repository, blob: Blob, partial: Partial, heard: Callable[[int], object]) -> bool:
    """Fetch until all bytes are there; return whether they came from more than one response."""
    tried, answers = 0, int(partial.size > 0)
    while partial.size != blob.size:
        before, answers = partial.size, answers + 1
        try:
            _resume(repository, blob, partial, heard)
        except RegistryFailed as error:
            tried = 0 if partial.size - before >= _ENOUGH else tried + 1
            if tried >= repository.tries or not error.fields.get("passing"):
                raise
            repository.pause(tried)
    return answers > 1


def _finish(repository: Repository, partial: Partial) -> None:
    try:
        partial.finish()
    except DigestMismatch as error:
        error.message = f"{repository.name}: {error.message}"
        error.remedy = (
            "The blob does not match the manifest: run the task again, or tell the operator of the registry"
        )
        raise


def _resume(repository: Repository, blob: Blob, partial: Partial, heard: Callable[[int], object]) -> None:
    """Resume the download at its offset; start again if the registry does not support ranges."""
    if partial.size > blob.size:
        partial.restart()
    start = partial.size
    response = repository.blob(blob.digest, start)
    try:
        if partial.size and not _starts_at(response, partial.size):
            response.close()
            partial.restart()
            response = repository.blob(blob.digest)
        if response.status == 404:
            raise RegistryFailed(
                f"{repository.name}: {repository.place.registry} lacks the blob {blob.digest} of the image",
                status=404,
            )
        if not (response.status == 206 and partial.size):
            repository.expect(response, 200, f"{repository.name}: the blob {blob.digest}")
        for chunk in response.chunks():
            if partial.size + len(chunk) > blob.size:
                raise _longer(repository, blob, partial, start)
            partial.write(chunk)
            heard(len(chunk))
    finally:
        response.close()
    if partial.size < blob.size:
        raise RegistryFailed(
            f"{repository.name}: the blob {blob.digest} broke off after {partial.size} of {blob.size} bytes",
            passing=True,
        )


def _starts_at(response: Response, offset: int) -> bool:
    """Return whether a response starts at this offset (RFC 9110, 14.4)."""
    return response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {offset}-")


def _longer(repository: Repository, blob: Blob, partial: Partial, start: int) -> EngineError:
    """Return the error for a blob with more bytes than expected; the bytes are discarded."""
    partial.restart()
    what = f"{repository.name}: the blob {blob.digest}"
    if start:
        return RegistryFailed(f"{what} came in parts that do not fit together", passing=True)
    return DigestMismatch(
        f"{what} is longer than the {blob.size} bytes of its manifest",
        remedy="The blob does not match the manifest: tell the operator of the registry",
        expected=blob.digest,
    )
