# SPDX-License-Identifier: GPL-3.0-or-later
"""Do what ``firewall`` does by nftables."""

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
    """Write the whole table anew. Raises CommandFailed, as all here."""
    nft.apply(rules.whole(networks, publications, table, loopback6=loopback6))


def renew(networks: Sequence[NetworkRecord], table: str) -> None:
    """Make the table know these networks and no others; raises NotFound when it is not there."""
    try:
        nft.apply(rules.renewed(networks, table))
    except CommandFailed:
        _objects(table)
        raise


def publish(publication: Publication, former: Optional[Publication], table: str) -> None:
    """Add the ports of a container, in place of its former ones; raises NotFound when the table is not there."""
    lost = rules.deleted(rules.elements(former), table) if former is not None else ""
    script = f"{lost}\n{rules.published(publication, table)}".strip()
    if not script:
        return
    try:
        nft.apply(script)
    except CommandFailed:
        # What the table has of it is something else, from a life of the container that ended without us.
        stale = rules.owned(_objects(table), publication.container_id)
        if not stale and former is None:
            raise
        nft.apply(f"{rules.deleted(stale, table)}\n{rules.published(publication, table)}")


def withdraw(container_id: str, known: Optional[Publication], table: str) -> None:
    """Close all ports of a container; none, or no table, is fine. Those that are known need not be listed."""
    if known is not None and _withdraw_known(known, table):
        return
    found = rules.owned(nft.table("inet", table) or (), container_id)
    if found:
        nft.apply(rules.deleted(found, table))


def present(table: str) -> bool:
    """Return whether the table is there."""
    return nft.has_table("inet", table)


def remove(table: str) -> None:
    """Remove the table; none is fine."""
    nft.apply(f"table inet {table}\ndelete table inet {table}")


def _withdraw_known(publication: Publication, table: str) -> bool:
    """Close these ports; False when one of them is closed, or when there is no table."""
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
        raise NotFound("nftables table", table, remedy="Load the engine's rules again")
    return found
