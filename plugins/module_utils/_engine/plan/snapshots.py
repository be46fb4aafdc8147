# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which snapshots of a volume are more than are to be kept; pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.volume.content import ASKED, Snapshot


def outdated(
    known: Sequence[Snapshot], keep_last: int | None, *, spared: str | None = None
) -> tuple[str, ...]:
    """Return the names of the snapshots to remove, the oldest first, so that ``keep_last`` are left (None: all).

    Only those that tasks have made count and go; what was kept of replaced content is for a person to remove. ``spared``
    is never among them.
    """
    if keep_last is None:
        return ()
    made = sorted((one for one in known if one.reason == ASKED), key=lambda one: (one.created, one.name))
    names = [one.name for one in made[: max(0, len(made) - keep_last)]]
    return tuple(name for name in names if name != spared)
