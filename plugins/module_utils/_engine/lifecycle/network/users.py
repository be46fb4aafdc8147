# SPDX-License-Identifier: GPL-3.0-or-later
"""Detach the containers of a network that goes or is made anew, and attach them to the new one."""

from __future__ import annotations

from collections.abc import Iterable

from ...errors import NotBuiltYet
from ..core.engine import Engine


def detach(engine: Engine, network: str, users: Iterable[str]) -> None:
    """Detach containers from a network, each under its own lock: so the network's is not held here."""
    for name in users:
        raise _not_built(engine, network, name)


def attach(engine: Engine, network: str, users: Iterable[str]) -> None:
    """Attach containers to a network, as ``detach``."""
    for name in users:
        raise _not_built(engine, network, name)


def _not_built(_engine: Engine, network: str, name: str) -> NotBuiltYet:
    return NotBuiltYet(
        f"container {name} can't be detached from network {network}: not built yet",
        remedy="Remove that container first",
        name=network,
        users=[name],
    )
