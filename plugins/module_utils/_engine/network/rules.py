# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate the nftables rules of networks and published ports, and find those of a container (pure); source: nft(8).

There is one table of family inet. A container's ports are elements of maps, so that a change is a short message regardless of
the number of ports; the comment of an element is the ID of its container.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..model.network.spec import BRIDGE, NetworkRecord, Subnet
from ..model.network.wiring import SCTP, TCP, UDP, Port, Publication

TABLE = "slipway"
DEFAULT_ROOT = "/var/lib/slipway"

#: The addresses that mean any address, by IP version; "" is any address of both.
_ANY = {4: ("", "0.0.0.0"), 6: ("", "::")}  # noqa: S104  (what a port is published on)
_PROTOCOLS = {TCP: 6, UDP: 17, SCTP: 132}
_SETS = ("bridges", "internal", "isolated", "strict", "same")
#: Words that are safe in a script: nft has no escape syntax.
_PLAIN = re.compile(r"[A-Za-z0-9_.:/+-]+")

#: A port at a single address of the host takes precedence over one at any address. Packets to 127.0.0.1 are translated only if
#: the host itself sends them: the kernel refuses others, but only after a translation, which would hide their destination.
#: Packets to that address from containers, on whose bridges it is routed, are dropped.
_STRUCTURE = """\
table inet {table}
delete table inet {table}
table inet {table} {{
  set bridges {{ type ifname; }}
  set internal {{ type ifname; }}
  set isolated {{ type ifname; }}
  set strict {{ type ifname; }}
  set same {{ type ifname . ifname; }}
  map ports4 {{ type inet_proto . inet_service : ipv4_addr . inet_service; }}
  map ports6 {{ type inet_proto . inet_service : ipv6_addr . inet_service; }}
  map ports4_at {{ type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }}
  map ports6_at {{ type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }}
  chain raw {{
    type filter hook prerouting priority -300; policy accept;
    iifname @bridges ip daddr 127.0.0.0/8 drop
  }}
  chain ports {{
    dnat ip to ip daddr . meta l4proto . th dport map @ports4_at
    dnat ip to meta l4proto . th dport map @ports4
    dnat ip6 to ip6 daddr . meta l4proto . th dport map @ports6_at
    dnat ip6 to meta l4proto . th dport map @ports6
  }}
  chain prerouting {{
    type nat hook prerouting priority -100; policy accept;
    ip daddr 127.0.0.0/8 return
    fib daddr type local goto ports
  }}
  chain output {{
    type nat hook output priority -100; policy accept;
    {closed}
    fib daddr type local goto ports
  }}
  chain subnets {{
  }}
  chain postrouting {{
    type nat hook postrouting priority 100; policy accept;
    oifname @bridges ip saddr 127.0.0.0/8 masquerade
    oifname @bridges ip6 saddr ::1 masquerade
    jump subnets
  }}
  chain forward {{
    type filter hook forward priority 0; policy accept;
    iifname . oifname @same accept
    iifname @internal drop
    oifname @internal drop
    iifname @strict oifname @bridges drop
    iifname @bridges oifname @strict drop
    iifname @isolated oifname @isolated drop
  }}
}}
"""


class Element(NamedTuple):
    """An element of a map of ports: the name of the map, key and value in nft's notation."""

    map: str
    key: str
    value: str


def table_of(root: str) -> str:
    """Return the name of the table of the engine with this root, because a host may have several engines."""
    if root == DEFAULT_ROOT:
        return TABLE
    # Not hashlib: importing it, and thus OpenSSL, takes longer than attaching a container.
    return f"{TABLE}_{zlib.crc32(root.encode('utf-8', 'surrogateescape')):08x}"


def whole(
    networks: Sequence[NetworkRecord],
    publications: Iterable[Publication],
    table: str,
    *,
    loopback6: bool = True,
) -> str:
    """Return the script that rewrites the table; ``loopback6``: ports are reachable at ::1."""
    # If they are not, programs that try ::1 first must be refused immediately, and not time out.
    closed = "" if loopback6 else "ip6 daddr ::1 return"
    return "\n".join(
        [
            _STRUCTURE.format(table=plain(table), closed=closed),
            *_networks(networks, table),
            *(published(publication, table) for publication in publications),
        ]
    )


def renewed(networks: Sequence[NetworkRecord], table: str) -> str:
    """Return the script that rewrites the rules of networks, and keeps the ports."""
    return "\n".join(
        [
            *(f"flush set inet {table} {name}" for name in _SETS),
            f"flush chain inet {table} subnets",
            *_networks(networks, table),
        ]
    )


def published(publication: Publication, table: str) -> str:
    """Return the script that adds the ports of a container."""
    comment = plain(publication.container_id)
    return _commands(
        "add", elements(publication), lambda item: f'{item.key} comment "{comment}" : {item.value}', table
    )


def deleted(found: Iterable[Element], table: str) -> str:
    """Return the script that removes elements; it fails if one of them does not exist."""
    return _commands("delete", found, lambda item: item.key, table)


def has_rules(network: NetworkRecord) -> bool:
    """Return whether the network has a bridge that the engine manages."""
    return network.spec.driver == BRIDGE and network.spec.options.get("mode") != "unmanaged"


def has_version(port: Port, version: int) -> bool:
    """Return whether a port is published on addresses of this IP version."""
    return not port.host_ip or version == (6 if ":" in port.host_ip else 4)


def is_any(port: Port, version: int) -> bool:
    """Return whether a port is published on all addresses of this IP version, and not on a single one."""
    return port.host_ip in _ANY[version]


def elements(publication: Publication) -> list[Element]:
    """Return the elements for a container's ports."""
    return [
        element
        for address in publication.addresses
        for port in publication.ports
        for element in _of_port(port, address)
    ]


def owned(objects: Iterable[Mapping[str, Any]], container_id: str) -> list[Element]:
    """Return the elements of a container among the objects of a table, in the form of libnftables-json(5)."""
    found = []
    for item in objects:
        for key, value in item.get("map", {}).get("elem", ()):
            if isinstance(key, dict) and key.get("elem", {}).get("comment") == container_id:
                found.append(Element(item["map"]["name"], _joined(key["elem"]["val"]), _joined(value)))
    return found


def _of_port(port: Port, address: str) -> Iterator[Element]:
    version = 6 if ":" in address else 4
    if not has_version(port, version):
        return
    name = f"ports{version}" if is_any(port, version) else f"ports{version}_at"
    where = "" if is_any(port, version) else f"{plain(port.host_ip)} . "
    for offset in range(port.count):
        key = f"{where}{_PROTOCOLS[port.protocol]} . {port.host_port + offset}"
        yield Element(name, key, f"{plain(address)} . {port.container_port + offset}")


def _networks(networks: Sequence[NetworkRecord], table: str) -> Iterator[str]:
    members: dict[str, list[str]] = defaultdict(list)
    networks = [network for network in networks if has_rules(network)]
    for network in networks:
        name = f'"{plain(network.interface)}"'
        for where in sets_of(network):
            members[where].append(f"{name} . {name}" if where == "same" else name)
    for where, names in members.items():
        yield f"add element inet {table} {where} {{ {', '.join(names)} }}"
    for network in networks:
        for subnet in network.subnets:
            for rule in _of_subnet(subnet, internal=network.spec.internal):
                yield f"add rule inet {table} subnets {rule}"


def sets_of(network: NetworkRecord) -> list[str]:
    """Return the sets that contain the network's bridge.

    podman-network-create(1), isolate: ``true`` isolates such networks from each other, ``strict`` from all networks.
    """
    isolate = network.spec.options.get("isolate", "false")
    found = ["bridges", "same"]
    found += ["internal"] if network.spec.internal else []
    found += ["isolated"] if isolate in ("true", "strict") else []
    found += ["strict"] if isolate == "strict" else []
    return found


def _of_subnet(subnet: Subnet, *, internal: bool) -> Iterator[str]:
    ip, multicast = ("ip", "224.0.0.0/4") if subnet.version == 4 else ("ip6", "ff00::/8")
    net = plain(subnet.subnet)
    # A connection from a container to a host port that is forwarded to its own network, or to itself, must not be answered
    # directly.
    yield f"{ip} saddr {net} {ip} daddr {net} ct status dnat masquerade"
    if not internal:
        yield f"{ip} saddr {net} {ip} daddr != {{ {net}, {multicast} }} masquerade"


def _commands(verb: str, found: Iterable[Element], written: Any, table: str) -> str:
    by_map: dict[str, list[str]] = defaultdict(list)
    for item in found:
        by_map[item.map].append(written(item))
    return "\n".join(
        f"{verb} element inet {plain(table)} {name} {{ {', '.join(items)} }}"
        for name, items in by_map.items()
    )


def _joined(value: Any) -> str:
    return " . ".join(map(str, value["concat"]))


def plain(text: str) -> str:
    """Return a word that is safe in a script. Raises ValueError for anything else."""
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"{text!r} is not safe in a rule")
    return text
