# SPDX-License-Identifier: GPL-3.0-or-later
"""Answer tasks that would detach containers from a network that goes or is made anew."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import NotBuiltYet


def refuse_detached(network: str, users: Sequence[str]) -> None:
    """Raise NotBuiltYet naming the containers, if there are any."""
    if users:
        raise NotBuiltYet(
            f"{', '.join(users)} can't be detached from network {network}: not built yet",
            remedy="Remove these containers first",
            name=network,
            users=[*users],
        )
