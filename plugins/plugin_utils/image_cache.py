# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's cache of blobs, shared by the tasks of all runs.

Its size is limited; the least recently used blobs are removed first. Blobs in use by a task are locked
(BlobStore.in_use), and not removed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ansible.errors import AnsibleActionFail
from ansible_collections.slipway.oci.plugins.module_utils._engine.images.blobs import BlobStore

#: Bytes, unless $SLIPWAY_CACHE_SIZE is set.
_SIZE = 20 * 10**9


def place() -> str:
    """Return the cache's directory."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("SLIPWAY_CACHE") or os.path.join(home, "slipway")


def limit() -> int:
    """Return the maximum size in bytes. Raises AnsibleActionFail if it is not a number."""
    said = os.environ.get("SLIPWAY_CACHE_SIZE")
    if not said:
        return _SIZE
    if not said.isdecimal():
        raise AnsibleActionFail(f"SLIPWAY_CACHE_SIZE: {said!r} is not a number of bytes")
    return int(said)


@contextmanager
def cache() -> Iterator[BlobStore]:
    """Yield the store; nothing is removed from it until the end, when it is trimmed."""
    most = limit()
    store = BlobStore(place())
    with store.in_use():
        yield store
    trim(store, most)


def trim(store: BlobStore, most: int) -> None:
    """Remove the least recently used blobs until the rest fits; do nothing while another task uses the cache."""
    used = {digest: found for digest in store.list() if (found := _used(store, digest)) is not None}
    kept, total = set(), 0
    for digest, (_when, size) in sorted(used.items(), key=lambda item: -item[1][0]):
        if total + size <= most:
            kept.add(digest)
            total += size
    if kept != set(used):
        store.sweep(lambda: kept)


def touch(store: BlobStore, digest: str) -> None:
    """Record that a blob is used now."""
    with suppress(OSError):
        os.utime(store.path(digest))


def _used(store: BlobStore, digest: str) -> tuple[float, int] | None:
    """Return the time when a blob was last used, and its size in bytes."""
    with suppress(OSError):
        found = os.stat(store.path(digest))
        return found.st_mtime, found.st_size
    return None
