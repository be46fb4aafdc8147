# SPDX-License-Identifier: GPL-3.0-or-later
"""Make foreign iptables filters accept packets of the engine's networks; sources: iptables(8), iptables-restore(8).

An accept in one table does not override a drop in another: if docker, ufw or an administrator drops forwarded packets, a chain of
the engine is inserted first in theirs. Nothing is written if they accept everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Optional

from ..kernel import command
from ..model.network.spec import NetworkRecord
from . import rules

Chains = Sequence[Mapping[str, object]]

#: Seconds to wait for the lock of iptables, which a busy docker holds for long.
_WAIT = 20
_HOOKS = ("FORWARD", "INPUT")
#: The maximum length of chain names.
_LONGEST = 28


class Kind(NamedTuple):
    """One of the four rule sets of a host: for an IP version, in nf_tables or in the legacy tables."""

    version: int
    is_legacy: bool

    @property
    def family(self) -> str:
        """Return the nftables family of the IP version."""
        return "ip" if self.version == 4 else "ip6"

    def program(self, suffix: str = "") -> Optional[str]:
        """Return the program that writes the rule set, None if it is not installed."""
        backend = "legacy" if self.is_legacy else "nft"
        names = (f"{self.family}tables-{backend}{suffix}", f"{self.family}tables{suffix}")
        return next((name for name in names if command.find_program(name)), None)

    def is_used(self, chains: Optional[Chains]) -> bool:
        """Return whether the rule set has a filter, given all chains of nftables; None if they are unknown."""
        if self.is_legacy:
            return "filter" in _legacy_tables(self.family)
        if chains is None:
            return self.program() is not None
        wanted = {"family": self.family, "table": "filter"}
        return any(wanted.items() <= chain.items() and chain["name"] in _HOOKS for chain in chains)


#: A network's bridge, and its gateways of one IP version, with prefix lengths.
_Ours = tuple[str, tuple[str, ...]]
KINDS = tuple(Kind(version, is_legacy) for version in (4, 6) for is_legacy in (False, True))


def admit(networks: Sequence[NetworkRecord], chains: Optional[Chains], table: str) -> list[Kind]:
    """Make each rule set that may drop packets accept those of these networks, and of no other networks of the engine.

    ``chains`` are those of nftables (``nft.chains``), None without it. Return the rule sets that cannot be written, because the
    program that wrote them is not installed. Raises CommandFailed.
    """
    return [kind for kind in KINDS if kind.is_used(chains) and not _admit(kind, networks, table)]


def script(listing: str, networks: Sequence[NetworkRecord], table: str, version: int) -> str:
    """Return the input of iptables-restore, "" if nothing is to be changed (pure).

    ``listing`` is the output of ``iptables --list-rules``.
    """
    lines = listing.splitlines()
    ours = _ours(networks, version)
    found = [line for hook in _HOOKS for line in _of_hook(lines, hook, ours, table)]
    return "\n".join(["*filter", *found, "COMMIT", ""]) if found else ""


def _admit(kind: Kind, networks: Sequence[NetworkRecord], table: str) -> bool:
    """Update a rule set; return False if its programs are not installed."""
    program, restore = kind.program(), kind.program("-restore")
    if program is None or restore is None:
        return False
    wait = ["--wait", str(_WAIT)]
    listed = command.run([program, *wait, "--list-rules"], timeout=_WAIT * 2)
    wanted = script(listed.stdout.decode("utf-8", "replace"), networks, table, kind.version)
    if wanted:
        command.run([restore, *wait, "--noflush"], stdin=wanted.encode(), timeout=_WAIT * 2)
    return True


def _of_hook(lines: Sequence[str], hook: str, networks: Sequence[_Ours], table: str) -> Iterator[str]:
    chain = f"{table.upper()}_{hook}"[:_LONGEST]
    jump = f"-A {hook} -j {chain}"
    ours = [line for line in lines if line.startswith(f"-A {chain} ")]
    wanted = [f"-A {chain} {rule}" for one in networks for rule in _rules(hook, one)]
    may_drop = f"-P {hook} DROP" in lines or any(
        line.startswith(f"-A {hook} ") and line != jump for line in lines
    )
    if may_drop and wanted:
        is_first = next((line for line in lines if line.startswith(f"-A {hook} ")), "") == jump
        if ours == wanted and is_first:
            return
        # With --noflush, a named chain is emptied first, or created.
        yield f":{chain} - [0:0]"
        yield from wanted
        yield from [f"-D {hook} -j {chain}"] * lines.count(jump)
        yield f"-I {hook} 1 -j {chain}"
    elif f"-N {chain}" in lines:
        yield f":{chain} - [0:0]"
        yield from [f"-D {hook} -j {chain}"] * lines.count(jump)
        yield f"-X {chain}"


def _rules(hook: str, ours: _Ours) -> Iterator[str]:
    """Yield the rules for a network, in the form in which iptables lists them."""
    bridge, gateways = ours
    if hook == "INPUT":
        for gateway in gateways:  # the DNS server of the containers
            yield f"-d {gateway} -i {bridge} -p udp -m udp --dport 53 -j ACCEPT"
            yield f"-d {gateway} -i {bridge} -p tcp -m tcp --dport 53 -j ACCEPT"
        if ":" in "".join(gateways):  # otherwise neighbour discovery with the gateway fails (RFC 4861)
            yield f"-i {bridge} -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT"
            yield f"-i {bridge} -p ipv6-icmp -m icmp6 --icmpv6-type 136 -j ACCEPT"
        return
    # The engine's own table drops what must not pass between networks, regardless of this accept.
    yield f"-i {bridge} -j ACCEPT"
    yield f"-o {bridge} -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT"


def _ours(networks: Sequence[NetworkRecord], version: int) -> list[_Ours]:
    length = 32 if version == 4 else 128
    found = []
    for network in filter(rules.has_rules, networks):
        subnets = [subnet for subnet in network.subnets if subnet.version == version]
        gateways = tuple(f"{subnet.gateway}/{length}" for subnet in subnets if subnet.gateway)
        found += [(network.interface, gateways)] if subnets else []
    return found


def _legacy_tables(family: str) -> list[str]:
    try:
        # Not /proc/net, which shows the namespace of the process, not of the thread.
        with open(f"/proc/thread-self/net/{family}_tables_names", encoding="ascii") as stream:
            return stream.read().split()
    except (FileNotFoundError, PermissionError):
        return []
