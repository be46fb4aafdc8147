# SPDX-License-Identifier: GPL-3.0-or-later
"""Upload the blobs that a repository lacks, two at a time; the first that fails ends all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Optional

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
    with ThreadPoolExecutor(at_once, thread_name_prefix="slipway-push") as pool:
        stop = _Stop()
        sending = [pool.submit(_deliver, repository, one, stop.heard) for one in once.values() if one]
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
    """Ends blobs that are on their way."""

    wanted = False

    def heard(self, _count: int) -> None:
        if self.wanted:
            raise _Stopped


def _deliver(repository: Repository, blob: Outgoing, heard: Callable[[int], object]) -> None:
    from ...images.registry.upload import has, mounted, send

    if not (has(repository, blob.digest) or mounted(repository, blob.digest)):
        send(repository, blob, heard)
