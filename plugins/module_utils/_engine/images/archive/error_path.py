# SPDX-License-Identifier: GPL-3.0-or-later
"""Add the archive's path to errors about its content."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import ArchiveBroken, DigestMismatch, UnsafeEntry


@contextmanager
def telling(path: str) -> Iterator[None]:
    """Prefix errors about an archive's content with its path."""
    try:
        yield
    except (ArchiveBroken, DigestMismatch, UnsafeEntry) as error:
        if "path" not in error.fields:
            error.message = f"{path}: {error.message}"
            error.fields["path"] = path
        raise
