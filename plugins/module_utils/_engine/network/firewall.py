# SPDX-License-Identifier: GPL-3.0-or-later
"""Publish ports and separate networks: the engine's table of nftables, in the network namespace of the caller.

``table`` is ``rules.table_of`` of the engine's root. All raise CommandFailed with what nftables says, and HostLacks where neither
libnftables nor nft is installed, and OSError.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from typing import Optional

from ..errors import CommandFailed, NotFound
from ..kernel.net import addresses, conntrack, nft
from ..kernel.net.netlink import Netlink
from ..model.network.spec import NetworkRecord
from ..model.network.wiring import UDP, Publication
from . import forwarding, rules


def load(
    networks: Sequence[NetworkRecord], publications: Iterable[Publication], *, table: str = rules.TABLE
) -> None:
    """Write the whole table anew in one transaction: connections go on, and no packet meets half of it."""
    # The kernel takes an answer to ::1 on a bridge whose frames pass the filters of IP for one to be bridged on.
    loopback6 = not forwarding.filters_bridged(6)
    publications = tuple(publications)
    nft.apply(rules.whole(networks, publications, table, loopback6=loopback6))
    _lead_datagrams(publications)


def renew(networks: Sequence[NetworkRecord], *, table: str = rules.TABLE) -> None:
    """Make the table know these networks and no others; ports stay. Raises NotFound when the table is not there."""
    try:
        nft.apply(rules.renewed(networks, table))
    except CommandFailed:
        _objects(table)
        raise


def publish(
    publication: Publication, *, former: Optional[Publication] = None, table: str = rules.TABLE
) -> None:
    """Lead the ports to the container, and no longer those of ``former``, in one transaction; repeated it changes nothing.

    Raises NotFound when the table is not there.
    """
    script = rules.published(publication, table)
    if former is not None:
        script = f"{rules.deleted(rules.elements(former), table)}\n{script}"
    if not script.strip():
        return
    _write(publication, script, former, table)
    _lead_datagrams([publication])


def _write(publication: Publication, script: str, former: Optional[Publication], table: str) -> None:
    try:
        nft.apply(script)
    except CommandFailed:
        # What the table has of it is something else, from a life of the container that ended without us.
        stale = rules.owned(_objects(table), publication.container_id)
        if not stale and former is None:
            raise
        nft.apply(f"{rules.deleted(stale, table)}\n{rules.published(publication, table)}")


def withdraw(container_id: str, *, known: Optional[Publication] = None, table: str = rules.TABLE) -> None:
    """Close all ports of a container; none, or no table, is fine.

    With ``known``, the ports that it has, the table need not be listed.
    """
    if known is not None and _withdraw_known(known, table):
        return
    found = rules.owned(nft.table("inet", table) or (), container_id)
    if found:
        nft.apply(rules.deleted(found, table))


def present(*, table: str = rules.TABLE) -> bool:
    """Tell whether the table is there."""
    return nft.has_table("inet", table)


def remove(*, table: str = rules.TABLE) -> None:
    """Remove the table with all that is in it; none is fine."""
    nft.apply(f"table inet {table}\ndelete table inet {table}")


def _lead_datagrams(publications: Sequence[Publication]) -> None:
    """Lead clients that have sent datagrams before, and do not stop, to the container that has the port now."""
    ports = {
        port.host_port + offset
        for publication in publications
        for port in publication.ports
        for offset in range(port.count if port.protocol == UDP else 0)
    }
    if ports:
        with Netlink() as netlink:
            here = {item.address.partition("/")[0] for item in addresses.listed(netlink)}
        leads_to = {address for publication in publications for address in publication.addresses}
        conntrack.forget(socket.IPPROTO_UDP, ports, here, leads_to)


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
