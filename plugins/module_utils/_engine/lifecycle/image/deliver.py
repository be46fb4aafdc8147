# SPDX-License-Identifier: GPL-3.0-or-later
"""Upload the blobs that a repository lacks, two at a time; the first failure stops all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Optional

from ... import progress

if TYPE_CHECKING:
    from ...images.registry.client import Repository
    from ...images.registry.upload import Outgoing

    #: A blob's digest, and its source, None if this host does not have it.
    Wanted = tuple[str, Optional[Outgoing]]


def deliver(repository: Repository, blobs: Sequence[Wanted], *, at_once: int = 2) -> bool:
    """Upload the blobs that the repository lacks.

    Returns False, with nothing sent, when neither the repository nor this host has one of them.
    """
    from concurrent.futures import ThreadPoolExecutor

    from ...images.registry.upload import has, mounted

    once = dict(blobs)
    for digest, outgoing in once.items():
        if outgoing is None and not (has(repository, digest) or mounted(repository, digest)):
            return False
    outgoing_blobs = [one for one in once.values() if one]
    total = sum(one.size for one in outgoing_blobs)
    with (
        progress.operation(f"pushing to {repository.name}", total=total) as pushing,
        ThreadPoolExecutor(at_once, thread_name_prefix="slipway-push") as pool,
    ):
        stop = _Stop(pushing)
        sending = [pool.submit(_deliver, repository, one, stop) for one in outgoing_blobs]
        try:
            for one in sending:
                one.result()
        except BaseException:  # also at an interrupt: stop the uploads that are in progress
            stop.wanted = True
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return True


class _Stopped(Exception):
    """The task is over, so the upload stops."""


class _Stop:
    """Counts the bytes that were sent, and ends the blobs that are being sent once the task has ended."""

    def __init__(self, pushing: progress.Operation) -> None:
        self.wanted, self.pushing = False, pushing

    def heard(self, count: int) -> None:
        """Count bytes of a blob; raises _Stopped."""
        if self.wanted:
            raise _Stopped
        self.pushing.advance(count)


def _deliver(repository: Repository, blob: Outgoing, stop: _Stop) -> None:
    from ...images.registry.upload import has, mounted, send

    if has(repository, blob.digest) or mounted(repository, blob.digest):
        stop.heard(blob.size)
    else:
        send(repository, blob, stop.heard)
