# SPDX-License-Identifier: GPL-3.0-or-later
"""A work directory beside a volume's content: on its file system and, unlike the engine's, in its quota."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..kernel import staging

_STAGING = ".staging"


@contextmanager
def stage(volume: str) -> Iterator[str]:
    """Yield an empty directory, and delete it at the end; ``sweep`` deletes what a kill leaves."""
    with staging.staging(f"{volume}/{_STAGING}") as (path, _fd):
        yield path


def sweep(volume: str) -> None:
    """Delete the stages that killed processes left; those in use stay."""
    if os.path.isdir(f"{volume}/{_STAGING}"):
        staging.sweep(f"{volume}/{_STAGING}")
