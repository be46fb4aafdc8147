# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which snapshots of a volume exceed the number to keep; pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.volume.content import ASKED, Snapshot


def outdated(
    known: Sequence[Snapshot], keep_last: int | None, *, spared: str | None = None
) -> tuple[str, ...]:
    """Return the names of the snapshots to remove, oldest first, so that ``keep_last`` remain (None: all).

    Only snapshots that tasks requested are counted and removed; snapshots of replaced content are left to the user. ``spared`` is
    never removed.
    """
    if keep_last is None:
        return ()
    made = sorted((one for one in known if one.reason == ASKED), key=lambda one: (one.created, one.name))
    names = [one.name for one in made[: max(0, len(made) - keep_last)]]
    return tuple(name for name in names if name != spared)
