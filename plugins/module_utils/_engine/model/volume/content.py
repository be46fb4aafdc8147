# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a volume's content as a whole: its snapshots, and what it was last replaced by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...frozen import dataclass

#: Why there is a snapshot: a task asked for it, or something was about to take the content's place.
ASKED = "asked"


@dataclass(frozen=True)
class Snapshot:
    """A copy of a volume's content, or what was its content. Unknown is None: what was not copied was not counted."""

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
    """What took the place of all content, and when: an archive (its digest), or a snapshot (when that was made)."""

    source: str
    at: int
    digest: str | None = None
    snapshot: int | None = None

    def encode(self) -> dict[str, Any]:
        """Return the JSON form."""
        return dict(vars(self))


def decode_snapshot(value: Mapping[str, Any] | None) -> Snapshot | None:
    """Return what was encoded; raises TypeError for anything else."""
    return Snapshot(**value) if value is not None else None


def decode_origin(value: Mapping[str, Any] | None) -> Origin | None:
    """Return what was encoded; raises TypeError for anything else."""
    return Origin(**value) if value is not None else None
