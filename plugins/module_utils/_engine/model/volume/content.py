# SPDX-License-Identifier: GPL-3.0-or-later
"""Metadata of a volume's content: its snapshots, and the source that last replaced it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...frozen import dataclass

#: Why a snapshot was taken: a task asked for it. Any other reason names what was about to replace the content.
ASKED = "asked"


@dataclass(frozen=True)
class Snapshot:
    """A copy of a volume's content, or its former content. Counts are None if nothing was copied, and thus not counted."""

    name: str
    created: int
    reason: str = ASKED
    entries: int | None = None
    bytes: int | None = None

    def encode(self) -> dict[str, Any]:
        """Return the JSON form."""
        return dict(vars(self))


@dataclass(frozen=True)
class Origin:
    """What replaced all content, and when: an archive (its digest), or a snapshot (its time of creation)."""

    source: str
    at: int
    digest: str | None = None
    snapshot: int | None = None

    def encode(self) -> dict[str, Any]:
        """Return the JSON form."""
        return dict(vars(self))


def decode_snapshot(value: Mapping[str, Any] | None) -> Snapshot | None:
    """Decode the JSON form. Raises TypeError for anything else."""
    return Snapshot(**value) if value is not None else None


def decode_origin(value: Mapping[str, Any] | None) -> Origin | None:
    """Decode the JSON form. Raises TypeError for anything else."""
    return Origin(**value) if value is not None else None
