# SPDX-License-Identifier: GPL-3.0-or-later
"""Work beside a volume's content: on its file system, and within its quota, which a directory of the engine's is not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..kernel import staging

_STAGING = ".staging"


@contextmanager
def stage(volume: str) -> Iterator[str]:
    """Give an empty directory; what it still holds at the end goes, and what a kill leaves is waste."""
    with staging.staging(f"{volume}/{_STAGING}") as (path, _fd):
        yield path


def sweep(volume: str) -> None:
    """Delete what killed work has left; what is being worked in stays."""
    if os.path.isdir(f"{volume}/{_STAGING}"):
        staging.sweep(f"{volume}/{_STAGING}")
