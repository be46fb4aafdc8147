# SPDX-License-Identifier: GPL-3.0-or-later
"""Publish ports and isolate networks, in the network namespace of the caller, with nftables, or with iptables without it.

``table`` is ``rules.table_of`` of the engine's root. All functions raise CommandFailed with the program's message, HostLacks if
the host has neither, or OSError.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Optional

from ..errors import EngineError
from ..kernel.net import nft
from ..model.network.spec import NetworkRecord
from ..model.network.wiring import UDP, Publication
from . import forwarding, rules


def backend() -> str:
    """Return the backend on this host: nft.LIBRARY, nft.PROGRAM or "iptables"."""
    from . import by_iptables

    return "iptables" if by_iptables.is_the_way() else nft.backend()


def told() -> str:
    """Return the backend that works on this host: "libnftables", "nft", "iptables", "" if none does."""
    try:
        found = backend()
        if found != "iptables":
            nft.chains()
    except EngineError:
        return ""
    return found.partition(".")[0]


def load(
    networks: Sequence[NetworkRecord], publications: Iterable[Publication], *, table: str = rules.TABLE
) -> None:
    """Rewrite the whole table in one transaction: connections continue, and no packet sees a partial table."""
    # If bridged frames pass the IP filters, the kernel bridges an answer to ::1 instead of delivering it.
    loopback6 = not forwarding.filters_bridged(6)
    publications = tuple(publications)
    _means().load(networks, publications, table, loopback6=loopback6)
    _lead_datagrams(publications)


def renew(networks: Sequence[NetworkRecord], *, table: str = rules.TABLE) -> None:
    """Rewrite the rules of networks; ports stay. Raises NotFound if the table does not exist."""
    _means().renew(networks, table)


def publish(
    publication: Publication, *, former: Optional[Publication] = None, table: str = rules.TABLE
) -> None:
    """Forward the ports to the container instead of those of ``former``, in one transaction; idempotent.

    Raises NotFound if the table does not exist.
    """
    _means().publish(publication, former, table)
    _lead_datagrams([publication])


def withdraw(container_id: str, *, known: Optional[Publication] = None, table: str = rules.TABLE) -> None:
    """Remove all ports of a container; do nothing if there are none, or no table.

    With ``known``, the ports that it has, the table need not be listed.
    """
    _means().withdraw(container_id, known, table)


def present(*, table: str = rules.TABLE) -> bool:
    """Return whether the table exists."""
    return bool(_means().present(table))


def remove(*, table: str = rules.TABLE) -> None:
    """Remove the table with its content; do nothing if there is none."""
    _means().remove(table)


def _means() -> Any:
    """Return the module that implements these functions on this host."""
    if nft.is_there():
        from . import by_nftables

        return by_nftables
    from . import by_iptables

    if not by_iptables.is_the_way():
        nft.backend()  # raises HostLacks, naming what is missing
    return by_iptables


def _lead_datagrams(publications: Sequence[Publication]) -> None:
    """Redirect clients that keep sending datagrams from an earlier container to the one that has the port now."""
    ports = {
        port.host_port + offset
        for publication in publications
        for port in publication.ports
        for offset in range(port.count if port.protocol == UDP else 0)
    }
    if ports:
        from ..kernel.net import addresses, conntrack
        from ..kernel.net.netlink import Netlink

        with Netlink() as netlink:
            here = {item.address.partition("/")[0] for item in addresses.listed(netlink)}
        leads_to = {address for publication in publications for address in publication.addresses}
        conntrack.forget(conntrack.UDP, ports, here, leads_to)
