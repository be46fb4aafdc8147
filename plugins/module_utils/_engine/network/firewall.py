# SPDX-License-Identifier: GPL-3.0-or-later
"""Publish ports and separate networks, in the network namespace of the caller: by nftables, or by iptables where that is missing.

``table`` is ``rules.table_of`` of the engine's root. All raise CommandFailed with what the program says, HostLacks where a host
has neither, and OSError.
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
    """Return what does it on this host: nft.LIBRARY, nft.PROGRAM or "iptables"."""
    from . import by_iptables

    return "iptables" if by_iptables.is_the_way() else nft.backend()


def told() -> str:
    """Return what does it on this host, by trying: "libnftables", "nft", "iptables", "" where nothing works."""
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
    """Write the whole table anew in one transaction: connections go on, and no packet meets half of it."""
    # The kernel takes an answer to ::1 on a bridge whose frames pass the filters of IP for one to be bridged on.
    loopback6 = not forwarding.filters_bridged(6)
    publications = tuple(publications)
    _means().load(networks, publications, table, loopback6=loopback6)
    _lead_datagrams(publications)


def renew(networks: Sequence[NetworkRecord], *, table: str = rules.TABLE) -> None:
    """Make the table know these networks and no others; ports stay. Raises NotFound when the table is not there."""
    _means().renew(networks, table)


def publish(
    publication: Publication, *, former: Optional[Publication] = None, table: str = rules.TABLE
) -> None:
    """Lead the ports to the container, and no longer those of ``former``, in one transaction; repeated it changes nothing.

    Raises NotFound when the table is not there.
    """
    _means().publish(publication, former, table)
    _lead_datagrams([publication])


def withdraw(container_id: str, *, known: Optional[Publication] = None, table: str = rules.TABLE) -> None:
    """Close all ports of a container; none, or no table, is fine.

    With ``known``, the ports that it has, the table need not be listed.
    """
    _means().withdraw(container_id, known, table)


def present(*, table: str = rules.TABLE) -> bool:
    """Return whether the table is there."""
    return bool(_means().present(table))


def remove(*, table: str = rules.TABLE) -> None:
    """Remove the table with all that is in it; none is fine."""
    _means().remove(table)


def _means() -> Any:
    """Return the module that does it."""
    if nft.is_there():
        from . import by_nftables

        return by_nftables
    from . import by_iptables

    if not by_iptables.is_the_way():
        nft.backend()  # which tells what is missing
    return by_iptables


def _lead_datagrams(publications: Sequence[Publication]) -> None:
    """Lead clients that have sent datagrams before, and do not stop, to the container that has the port now."""
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
