# SPDX-License-Identifier: GPL-3.0-or-later
"""Implement ``firewall`` with nftables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ..errors import CommandFailed, NotFound
from ..kernel.net import nft
from ..model.network.spec import NetworkRecord
from ..model.network.wiring import Publication
from . import rules


def load(
    networks: Sequence[NetworkRecord], publications: Sequence[Publication], table: str, *, loopback6: bool
) -> None:
    """Rewrite the whole table. Raises CommandFailed, like all functions here."""
    nft.apply(rules.whole(networks, publications, table, loopback6=loopback6))


def renew(networks: Sequence[NetworkRecord], table: str) -> None:
    """Rewrite the rules of networks; ports stay. Raises NotFound if the table does not exist."""
    try:
        nft.apply(rules.renewed(networks, table))
    except CommandFailed:
        _objects(table)
        raise


def publish(publication: Publication, former: Optional[Publication], table: str) -> None:
    """Replace the ports of a container. Raises NotFound if the table does not exist."""
    lost = rules.deleted(rules.elements(former), table) if former is not None else ""
    script = f"{lost}\n{rules.published(publication, table)}".strip()
    if not script:
        return
    try:
        nft.apply(script)
    except CommandFailed:
        # The table has other ports of the container, from a run whose end the engine missed.
        stale = rules.owned(_objects(table), publication.container_id)
        if not stale and former is None:
            raise
        nft.apply(f"{rules.deleted(stale, table)}\n{rules.published(publication, table)}")


def withdraw(container_id: str, known: Optional[Publication], table: str) -> None:
    """Remove all ports of a container, if there are any; ``known`` ports are removed without listing the table."""
    if known is not None and _withdraw_known(known, table):
        return
    found = rules.owned(nft.table("inet", table) or (), container_id)
    if found:
        nft.apply(rules.deleted(found, table))


def present(table: str) -> bool:
    """Return whether the table exists."""
    return nft.has_table("inet", table)


def remove(table: str) -> None:
    """Remove the table; do nothing if there is none."""
    nft.apply(f"table inet {table}\ndelete table inet {table}")


def _withdraw_known(publication: Publication, table: str) -> bool:
    """Remove these ports; return False if one of them is missing, or the table."""
    found = rules.elements(publication)
    if not found:
        return True
    try:
        nft.apply(rules.deleted(found, table))
    except CommandFailed:
        return False
    return True


def _objects(table: str) -> list[dict[str, object]]:
    found = nft.table("inet", table)
    if found is None:
        raise NotFound("nftables table", table, remedy="Reload the engine's rules")
    return found
