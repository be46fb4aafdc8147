# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose a container's interface names, MAC addresses, IP addresses and ports of the host.

They are chosen in the transaction that inserts the container's row, and kept across restarts, reboots and the loss of the
run root. A container that replaces another takes them over.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import count

from ...errors import InUse, InvalidOption, NotFound
from ...frozen import replace
from ...kernel.net.addresses import listed
from ...kernel.net.netlink import Netlink
from ...model.container import networks as grammar
from ...model.container.networks import Wanted
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.image.config import ImageConfig
from ...model.network import ports as portgrammar
from ...model.network.spec import CNI, NetworkRecord
from ...model.network.wiring import Endpoint, Port
from ...model.values.names import near
from ...plan import addresses
from ...state import attachments, networks
from . import host_ports

#: The most ports that a container may publish: each costs a row, a rule and a socket.
MOST_PORTS = 2000


def network_of(connection: sqlite3.Connection, name: str) -> NetworkRecord | None:
    """Return the network of this name or id, or None for the default one not created yet. Raises NotFound."""
    found = networks.find(connection, name)
    if found is not None and not found.removing:
        return found
    if name == grammar.DEFAULT:
        return None
    known = (one.name for one in networks.all(connection))
    raise NotFound("network", name, near=near(name, known), remedy="Create it first with slipway.oci.network")


def with_networks(
    connection: sqlite3.Connection,
    record: ContainerRecord,
    config: ImageConfig | None,
    old: ContainerRecord | None = None,
    *,
    remade: NetworkRecord | None = None,
) -> ContainerRecord:
    """Return the record with endpoints and ports, to be inserted; ``old`` is that of the replaced container.

    ``old`` may be the same container with another spec: interfaces of networks that it stays in keep their names then. What
    ``old`` has counts as free, whether its row still exists or not, so that a check beforehand gives the same result.
    ``remade`` is a changed network that is not in the database yet.
    Raises NotFound for a network, InvalidOption, InUse, NoFreeAddress.
    """
    wanted, besides = grammar.wanted(record.spec), old.id if old else ""
    options = {record.spec.ip: "ip", record.spec.ip6: "ip6"}
    before = {one.network_id: one for one in (old.endpoints if old else ())}
    found = [(want, _network(connection, want, remade)) for want in wanted]
    endpoints, by_plugins = [], False
    for (want, network), name in zip(found, _interfaces(wanted, _kept_names(record, old, found))):
        if network is None:
            continue
        had = before.get(network.id, Endpoint(network.id, name, "", ()))._replace(interface=name)
        macs = attachments.taken_macs(connection, network.id, besides=besides)
        taken = {**_host_addresses(network), **attachments.taken(connection, network.id, besides=besides)}
        mac = _mac(macs, network, want.mac, had.mac)
        if network.spec.driver == CNI:
            by_plugins = True
            endpoints.append(_plugin_endpoint(taken, network, want, had._replace(mac=mac)))
            continue
        kept = _addresses(taken, network, want, had.addresses, options)
        endpoints.append(Endpoint(network.id, name, mac, kept))
    ports = _ports(connection, record.spec, config, old) if wanted else []
    if len(endpoints) == len(wanted) and not by_plugins:  # whose IP versions are unknown beforehand
        _refuse_other_version(ports, {":" in ip for one in endpoints for ip in one.addresses})
    return replace(record, endpoints=tuple(endpoints), ports=tuple(ports))


def _host_addresses(network: NetworkRecord) -> dict[str, str]:
    """Return the host's addresses if the network is one of the host's, in the form of attachments.taken."""
    if not network.spec.is_hosts_own:
        return {}
    with Netlink() as netlink:
        return {item.address.partition("/")[0]: addresses.HOST for item in listed(netlink)}


def _plugin_endpoint(
    taken: Mapping[str, str], network: NetworkRecord, want: Wanted, had: Endpoint
) -> Endpoint:
    """Return the endpoint in a network whose plugins assign the addresses: the one it had, or an empty one.

    Raises InvalidOption for a request that plugins ignore.
    """
    vain = {"metric": want.metric, "host_interface_name": want.host_interface}
    vain.update(default_route=not want.default_route, link_local_ip=bool(want.link_local))
    option = next((name for name, value in vain.items() if value), None)
    if option is not None:
        raise InvalidOption(
            "network",
            f"{network.name}:{option}",
            f"has no effect on the plugins of driver {CNI}",
            remedy="Omit it, and configure it in the list of plugins",
        )
    if had.subnets and not any(ip in taken for ip in had.addresses):
        return had
    return Endpoint(network.id, had.interface, had.mac, ())


def _network(
    connection: sqlite3.Connection, want: Wanted, remade: NetworkRecord | None
) -> NetworkRecord | None:
    found = network_of(connection, want.name)
    return remade if remade is not None and found is not None and found.id == remade.id else found


def chosen(
    connection: sqlite3.Connection,
    record: ContainerRecord,
    config: ImageConfig | None,
    old: ContainerRecord | None = None,
) -> ContainerRecord:
    """Return the result of ``with_networks``. Raises NotFound if a network was removed meanwhile."""
    found = with_networks(connection, record, config, old)
    if len(found.endpoints) < len(grammar.wanted(record.spec)):
        raise NotFound("network", grammar.DEFAULT, remedy="Run the task again")
    return found


def _kept_names(
    record: ContainerRecord,
    old: ContainerRecord | None,
    wanted: Iterable[tuple[Wanted, NetworkRecord | None]],
) -> dict[str, str]:
    """Return a container's present interfaces by the name of their network, without explicitly named ones."""
    if old is None or old.id != record.id:
        return {}
    there = {one.network_id: one.interface for one in old.endpoints}
    asked = {one.name for one in grammar.wanted(old.spec) if one.interface}
    return {
        want.name: there[network.id]
        for want, network in wanted
        if network is not None and network.id in there and want.name not in asked
    }


def _interfaces(wanted: Sequence[Wanted], kept: Mapping[str, str]) -> list[str]:
    """Return the interface names in the container: requested, kept, or the lowest free of eth0, eth1, ..."""
    asked = [one.interface for one in wanted if one.interface]
    double = next((name for name in asked if asked.count(name) > 1), None)
    if double is not None:
        raise InvalidOption(
            "network", f"interface_name={double}", "is used twice", remedy="Choose different names"
        )
    taken = {*asked, *kept.values()}
    free = (name for name in (f"eth{number}" for number in count()) if name not in taken)
    own = {name: interface for name, interface in kept.items() if interface not in asked}
    return [one.interface or own.get(one.name) or next(free) for one in wanted]


def _addresses(
    taken: Mapping[str, str],
    network: NetworkRecord,
    want: Wanted,
    before: Sequence[str],
    options: Mapping[str | None, str],
) -> tuple[str, ...]:
    """Return the addresses in a network: the requested ones, and one of each other IP version of the network.

    The latter is that of ``before`` if it is free. ``options`` maps a requested address to its option, by default
    ``network``.
    """
    found = [
        addresses.asked(options.get(ip, "network"), network.name, network.subnets, ip, taken)
        for ip in want.ips
    ]
    versions = {6 if ":" in ip else 4 for ip in found}
    for subnet in network.subnets:
        if subnet.version not in versions:
            had = next((ip for ip in before if (":" in ip) == (subnet.version == 6)), "")
            found.append(addresses.choose(network.name, subnet, taken, had))
            versions.add(subnet.version)
    return tuple(sorted(found, key=lambda ip: ":" in ip))


def _mac(taken: Mapping[str, str], network: NetworkRecord, asked: str, before: str) -> str:
    if asked and asked in taken:
        raise InUse(
            f"mac_address: {asked} in network {network.name} belongs to container {taken[asked]}",
            remedy="Choose another address, or omit it",
            users=[taken[asked]],
        )
    if asked or (before and before not in taken):
        return asked or before
    return next(mac for mac in iter(_random_mac, "") if mac not in taken)


def _random_mac() -> str:
    """Return a random unicast, locally administered MAC address (IEEE 802: second bit set, first clear)."""
    first, *rest = os.urandom(6)
    return ":".join(f"{byte:02x}" for byte in ((first & 0xFC) | 2, *rest))


def _ports(
    connection: sqlite3.Connection,
    spec: ContainerSpec,
    config: ImageConfig | None,
    old: ContainerRecord | None,
) -> list[Port]:
    """Return the published ports one by one, with host ports chosen where none is set.

    Raises InUse, and InvalidOption for too many.
    """
    wanted = [*portgrammar.singly(portgrammar.published(spec.publish or ()))]
    wanted += _exposed(spec, config, wanted) if spec.publish_all else []
    if len(wanted) > MOST_PORTS:
        raise InvalidOption(
            "publish", len(wanted), f"is more than {MOST_PORTS} ports", remedy="Publish fewer ports"
        )
    owners = attachments.owners(connection, besides=old.id if old else "")
    for port in wanted:
        _refuse_taken(connection, port, owners)
    fixed = [port for port in wanted if port.host_port]
    before = {
        (port.protocol, port.host_ip, port.container_port): port.host_port
        for port in (old.ports if old else ())
    }
    chosen = _chosen([port for port in wanted if not port.host_port], [*owners, *fixed], before)
    return sorted((*fixed, *chosen), key=attachments.order)


def _refuse_other_version(ports: Sequence[Port], has_v6: set[bool]) -> None:
    """Refuse a port at an address of an IP version that the container does not have. Raises InvalidOption."""
    for port in ports:
        if port.host_ip and (":" in port.host_ip) not in has_v6:
            version = 6 if ":" in port.host_ip else 4
            raise InvalidOption(
                "publish",
                portgrammar.written(port),
                f"is at an IPv{version} address, and no network of the container has IPv{version}",
                remedy=f"Publish it at another address, or attach a network with IPv{version}",
            )


def _chosen(
    wanted: Iterable[Port], taken: Sequence[Port], before: Mapping[tuple[str, str, int], int]
) -> list[Port]:
    """Return the ports, each with its earlier host port if that is free, else with a free one."""
    found: list[Port] = []
    for port in wanted:
        kept = before.get((port.protocol, port.host_ip, port.container_port), 0)
        candidate = port._replace(host_port=kept)
        free = kept and not any(portgrammar.collide(candidate, other) for other in (*taken, *found))
        found.append(candidate if free else host_ports.unused(port, (*taken, *found)))
    return found


def _exposed(spec: ContainerSpec, config: ImageConfig | None, wanted: Sequence[Port]) -> list[Port]:
    """Return the ports that image and options expose and ``publish`` does not name."""
    texts = (*(config.exposed_ports if config else ()), *(spec.expose or ()))
    done = {(port.protocol, port.container_port) for port in wanted}
    found = [each for each in dict.fromkeys(portgrammar.exposed(texts)) if each not in done]
    return [Port(protocol, "", 0, number) for protocol, number in found]


def _refuse_taken(connection: sqlite3.Connection, port: Port, owners: Mapping[Port, str]) -> None:
    """Refuse a host port that another container publishes; ``owners`` are ids by port. Raises InUse."""
    other = next((one for one in owners if portgrammar.collide(one, port)), None)
    if other is None:
        return
    name = connection.execute("SELECT name FROM containers WHERE id = ?", (owners[other],)).fetchone()[0]
    raise InUse(
        f"publish: port {port.host_port}/{port.protocol} of the host is published by container {name}",
        remedy="Choose another port, or remove that container first",
        port=port.host_port,
        users=[name],
    )
