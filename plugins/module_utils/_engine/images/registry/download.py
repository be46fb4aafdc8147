# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs fetched into the store: two at a time, each gone on with where it broke off, checked as it comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from ...errors import DigestMismatch, EngineError, RegistryFailed
from ..blobs import BlobStore, Partial
from .client import Repository
from .http import Response

#: How many blobs come at once, where nobody says.
AT_ONCE = 2
#: Bytes that make a try that broke off a good one; else a registry that gives a byte at a time would be asked without an end.
_ENOUGH = 1 << 16


class Blob(NamedTuple):
    """What is to be fetched: the digest, and its size in bytes as the manifest says."""

    digest: str
    size: int


class Cancelled(Exception):
    """The task has ended, and nobody waits for the blob any more."""


class Downloads:
    """Fetches blobs in threads, in order. As a context manager: what is not fetched at its end is left, to go on with later.

    ``others`` are fetched only when one is waited for and is not there. ``arrived`` is called with the count of bytes of each
    chunk, in the threads.
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
        """Wait until a blob is there; raises what went wrong with it."""
        if digest in self._others and digest not in self._pending and not self._store.has(digest):
            self._pending[digest] = self._pool.submit(self._fetch, self._others[digest])
        if digest in self._pending:
            self._pending[digest].result()

    def _fetch(self, blob: Blob) -> None:
        with self._store.partial(blob.digest) as partial:
            if partial is None:
                self._arrived(blob.size)
                return
            fetch(self._repository, blob, partial, self._heard)

    def _heard(self, count: int) -> None:
        if self._stopped.is_set():
            raise Cancelled
        self._arrived(count)


def fetch(repository: Repository, blob: Blob, partial: Partial, heard: Callable[[int], object]) -> None:
    """Fetch what is missing of a blob, and put it in its place. What comes before an error stays, for the next try.

    Raises RegistryFailed, RegistryDenied, DigestMismatch.
    """
    heard(min(partial.size, blob.size))
    if _complete(repository, blob, partial, heard) and not partial.is_right:
        # One of the parts was of something else: another range than was asked for, or what a portal says to everybody.
        partial.restart()
        _complete(repository, blob, partial, heard)
    _finish(repository, partial)


def _complete(repository: Repository, blob: Blob, partial: Partial, heard: Callable[[int], object]) -> bool:
    """Fetch until all bytes are there; tell whether they are of more answers than one."""
    tried, answers = 0, int(partial.size > 0)
    while partial.size != blob.size:
        before, answers = partial.size, answers + 1
        try:
            _go_on(repository, blob, partial, heard)
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
        error.remedy = "What came is not what the manifest names: run the task again; if it stays so, tell who runs the registry"
        raise


def _go_on(repository: Repository, blob: Blob, partial: Partial, heard: Callable[[int], object]) -> None:
    """Fetch from where the blob broke off; what the registry does not give in parts comes from the beginning again."""
    if partial.size > blob.size:
        partial.restart()
    start = partial.size
    response = repository.blob(blob.digest, start)
    try:
        if partial.size and not _goes_on(response, partial.size):
            response.close()
            partial.restart()
            response = repository.blob(blob.digest)
        if response.status == 404:
            raise RegistryFailed(
                f"{repository.name}: {repository.place.registry} names the blob {blob.digest} and lacks it",
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


def _goes_on(response: Response, offset: int) -> bool:
    """Tell whether an answer goes on at an offset (RFC 9110, 14.4)."""
    return response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {offset}-")


def _longer(repository: Repository, blob: Blob, partial: Partial, start: int) -> EngineError:
    """Return the error for more bytes than there are to come; nothing of the blob is kept."""
    partial.restart()
    what = f"{repository.name}: the blob {blob.digest}"
    if start:
        return RegistryFailed(f"{what} came in parts that do not fit each other", passing=True)
    return DigestMismatch(
        f"{what} is longer than the {blob.size} bytes of its manifest",
        remedy="What came is not what the manifest names: tell who runs the registry",
        expected=blob.digest,
    )
