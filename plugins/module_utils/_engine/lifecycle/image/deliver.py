# SPDX-License-Identifier: GPL-3.0-or-later
"""Upload the blobs that a repository lacks, two at a time; the first that fails ends all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Optional

from ... import progress

if TYPE_CHECKING:
    from ...images.registry.client import Repository
    from ...images.registry.upload import Outgoing

    #: A blob by its digest, with what it is sent from, None where that is not here.
    Wanted = tuple[str, Optional[Outgoing]]


def deliver(repository: Repository, blobs: Sequence[Wanted], *, at_once: int = 2) -> bool:
    """Upload the blobs that the repository lacks; False, with nothing sent, when one is neither there nor here."""
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
        except BaseException:  # also at an interrupt: nothing goes on being sent that nobody waits for
            stop.wanted = True
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return True


class _Stopped(Exception):
    """The task has ended, and nobody waits for the blob any more."""


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
