# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate the iptables rules of networks and published ports, for hosts without nftables (pure).

Sources: iptables(8), iptables-extensions(8), iptables-restore(8). The rules correspond to those in ``rules``, which explains
them. They are in the engine's own chains; the comment of a port's rule is the ID of its container.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations
from typing import Optional

from ..model.network.spec import NetworkRecord
from ..model.network.wiring import Port, Publication
from . import rules

_LOCAL = "-m addrtype --dst-type LOCAL"
_TABLES = ("raw", "mangle", "nat")
_MULTICAST = {4: "224.0.0.0/4", 6: "ff00::/8"}
_LOOPBACK = {4: "127.0.0.0/8", 6: "::1/128"}


def whole(
    saved: str,
    networks: Sequence[NetworkRecord],
    publications: Optional[Iterable[Publication]],
    table: str,
    version: int,
    *,
    loopback6: bool = True,
) -> str:
    """Return the script for iptables-restore that rewrites all rules of the engine; without ``publications``, ports stay.

    ``saved`` is the output of iptables-save.
    """
    content = {
        ("raw", "RAW"): _raw(networks, version),
        ("mangle", "BETWEEN"): _between(networks),
        ("nat", "SUBNETS"): _subnets(networks, version),
    }
    if publications is not None:
        ports = [rule for publication in publications for rule in of_ports(publication, version)]
        content["nat", "PORTS"] = sorted(ports, key=_comes_later)
    lines = []
    for name in _TABLES:
        lines.append(f"*{name}")
        for (where, chain), found in content.items():
            if where == name:
                lines.append(f":{_chain(table, chain)} - [0:0]")
                lines += [f"-A {_chain(table, chain)} {rule}" for rule in found]
        there = _of_table(saved, name)
        lines += [jump for jump in _jumps(table, name, version, loopback6=loopback6) if jump not in there]
        lines.append("COMMIT")
    return "\n".join([*lines, ""])


def gone(saved: str, table: str) -> str:
    """Return the script that removes all rules of the engine, "" if there are none."""
    prefix, lines = _chain(table, ""), []
    for name in _TABLES:
        there = _of_table(saved, name)
        chains = [line[1:].split()[0] for line in there if line.startswith(f":{prefix}")]
        # Chains of another engine have longer names.
        chains = [chain for chain in chains if chain in {_chain(table, part) for part in _PARTS}]
        jumps = [line for line in there if line.split()[-2:-1] == ["-j"] and line.split()[-1] in chains]
        if chains:
            lines += [f"*{name}", *(f":{chain} - [0:0]" for chain in chains)]
            lines += [f"-D{jump[2:]}" for jump in jumps]
            lines += [*(f"-X {chain}" for chain in chains), "COMMIT"]
    return "\n".join([*lines, ""]) if lines else ""


def is_there(saved: str, table: str) -> bool:
    """Return whether the chain of ports exists."""
    return any(line.startswith(f":{_chain(table, 'PORTS')} ") for line in saved.splitlines())


def changed(
    saved: str, container_id: str, publication: Iterable[Publication], table: str, version: int
) -> str:
    """Return the script that replaces the ports of a container by these, or by none; "" if nothing changes."""
    words = (f"--comment {container_id} ", f'--comment "{container_id}" ')
    chain = _chain(table, "PORTS")
    found = [
        line
        for line in saved.splitlines()
        if line.startswith(f"-A {chain} ") and any(map(line.__contains__, words))
    ]
    added = [rule for one in publication for rule in of_ports(one, version)]
    lines = [f"-D{line[2:]}" for line in found]
    lines += [f"-A {chain} {rule}" if _comes_later(rule) else f"-I {chain} 1 {rule}" for rule in added]
    return "\n".join(["*nat", *lines, "COMMIT", ""]) if lines else ""


def of_ports(publication: Publication, version: int) -> list[str]:
    """Return the rules of a container's ports, without the name of the chain."""
    comment = rules.plain(publication.container_id)
    return [
        rule
        for address in publication.addresses
        if (6 if ":" in address else 4) == version
        for port in publication.ports
        for rule in _of_port(port, address, comment, version)
    ]


def _comes_later(rule: str) -> bool:
    """Return whether a rule is for any address; such rules come after those for a single address."""
    return not rule.startswith("-d ")


_PARTS = ("RAW", "BETWEEN", "PORTS", "SUBNETS")


def _of_port(port: Port, address: str, comment: str, version: int) -> Iterator[str]:
    if not rules.has_version(port, version):
        return
    length = 32 if version == 4 else 128
    where = "" if rules.is_any(port, version) else f"-d {rules.plain(port.host_ip)}/{length} "
    last = port.count - 1
    host = f"{port.host_port}:{port.host_port + last}" if last else str(port.host_port)
    target = f"[{address}]" if version == 6 else address
    # Each port of a range keeps its offset from the first one (iptables-extensions(8), DNAT).
    inside = (
        f"{port.container_port}-{port.container_port + last}/{port.host_port}"
        if last
        else str(port.container_port)
    )
    protocol = rules.plain(port.protocol)
    yield (
        f"{where}-p {protocol} -m {protocol} --dport {host} -m comment --comment {comment}"
        f" -j DNAT --to-destination {target}:{inside}"
    )


def _raw(networks: Sequence[NetworkRecord], version: int) -> list[str]:
    return (
        [f"-i {bridge} -d 127.0.0.0/8 -j DROP" for bridge in _in(networks, "bridges")] if version == 4 else []
    )


def _between(networks: Sequence[NetworkRecord]) -> list[str]:
    bridges, isolated, strict = (_in(networks, name) for name in ("bridges", "isolated", "strict"))
    found = [f"-i {bridge} -o {bridge} -j RETURN" for bridge in bridges]
    for bridge in _in(networks, "internal"):
        found += [f"-i {bridge} -j DROP", f"-o {bridge} -j DROP"]
    for one, other in permutations(bridges, 2):
        if {one, other} & {*strict} or {one, other} <= {*isolated}:
            found.append(f"-i {one} -o {other} -j DROP")
    return found


def _subnets(networks: Sequence[NetworkRecord], version: int) -> list[str]:
    found = [f"-s {_LOOPBACK[version]} -o {bridge} -j MASQUERADE" for bridge in _in(networks, "bridges")]
    for network in filter(rules.has_rules, networks):
        for net in (rules.plain(subnet.subnet) for subnet in network.subnets if subnet.version == version):
            found.append(f"-s {net} -d {net} -m conntrack --ctstate DNAT -j MASQUERADE")
            if not network.spec.internal:
                found += [f"-s {net} -d {there} -j RETURN" for there in (net, _MULTICAST[version])]
                found.append(f"-s {net} -j MASQUERADE")
    return found


def _in(networks: Sequence[NetworkRecord], name: str) -> list[str]:
    return [
        rules.plain(network.interface)
        for network in networks
        if rules.has_rules(network) and name in rules.sets_of(network)
    ]


def _jumps(table: str, name: str, version: int, *, loopback6: bool) -> list[str]:
    chain = {part: _chain(table, part) for part in _PARTS}
    outside = "! -d 127.0.0.0/8 " if version == 4 else ""
    inside = "! -d ::1/128 " if version == 6 and not loopback6 else ""
    return {
        "raw": [f"-A PREROUTING -j {chain['RAW']}"],
        "mangle": [f"-A FORWARD -j {chain['BETWEEN']}"],
        "nat": [
            f"-A PREROUTING {outside}{_LOCAL} -j {chain['PORTS']}",
            f"-A OUTPUT {inside}{_LOCAL} -j {chain['PORTS']}",
            f"-A POSTROUTING -j {chain['SUBNETS']}",
        ],
    }[name]


def _chain(table: str, part: str) -> str:
    return f"{rules.plain(table).upper()}_{part}"


def _of_table(saved: str, name: str) -> list[str]:
    """Return the lines of a table in the output of iptables-save."""
    found, inside = [], False
    for line in saved.splitlines():
        if line.startswith("*"):
            inside = line == f"*{name}"
        elif inside:
            found.append(line)
    return found
