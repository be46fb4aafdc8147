# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's own store of blobs: what one task has fetched, no other of any run fetches again.

It is bounded: what was used longest ago goes first. What a task uses is held meanwhile (BlobStore.in_use), and is not removed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ansible.errors import AnsibleActionFail
from ansible_collections.slipway.oci.plugins.module_utils._engine.images.blobs import BlobStore

#: Bytes, where $SLIPWAY_CACHE_SIZE does not say.
_SIZE = 20 * 10**9


def place() -> str:
    """Return the cache's directory."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("SLIPWAY_CACHE") or os.path.join(home, "slipway")


def limit() -> int:
    """Return how many bytes it may hold; raises AnsibleActionFail for what is no number."""
    said = os.environ.get("SLIPWAY_CACHE_SIZE")
    if not said:
        return _SIZE
    if not said.isdecimal():
        raise AnsibleActionFail(f"SLIPWAY_CACHE_SIZE: {said!r} is no number of bytes")
    return int(said)


@contextmanager
def cache() -> Iterator[BlobStore]:
    """Give the store; what is in it stays until the end."""
    most = limit()
    store = BlobStore(place())
    with store.in_use():
        yield store
    trim(store, most)


def trim(store: BlobStore, most: int) -> None:
    """Remove what was used longest ago until the rest fits; nothing while another task uses the cache."""
    used = {digest: found for digest in store.list() if (found := _used(store, digest)) is not None}
    kept, total = set(), 0
    for digest, (_when, size) in sorted(used.items(), key=lambda item: -item[1][0]):
        if total + size <= most:
            kept.add(digest)
            total += size
    if kept != set(used):
        store.sweep(lambda: kept)


def touch(store: BlobStore, digest: str) -> None:
    """Note that a blob is used now."""
    with suppress(OSError):
        os.utime(store.path(digest))


def _used(store: BlobStore, digest: str) -> tuple[float, int] | None:
    """Return when a blob was used last, and its bytes."""
    with suppress(OSError):
        found = os.stat(store.path(digest))
        return found.st_mtime, found.st_size
    return None
