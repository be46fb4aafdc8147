# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive's path in the errors about what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import ArchiveBroken, DigestMismatch, UnsafeEntry


@contextmanager
def telling(path: str) -> Iterator[None]:
    """Name the archive in what is wrong with it."""
    try:
        yield
    except (ArchiveBroken, DigestMismatch, UnsafeEntry) as error:
        if "path" not in error.fields:
            error.message = f"{path}: {error.message}"
            error.fields["path"] = path
        raise
