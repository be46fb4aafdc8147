# SPDX-License-Identifier: GPL-3.0-or-later
"""Let the filters of iptables take what our networks send and get; sources: iptables(8), iptables-restore(8).

An accept in one table does not override a drop in another: where docker, ufw or an administrator drops what is forwarded, a chain
of ours stands first in theirs. Nothing is written where they take everything anyway.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Optional

from ..kernel import command
from ..model.network.spec import NetworkRecord
from . import rules

Chains = Sequence[Mapping[str, object]]

#: Seconds to wait for the lock of iptables, which a loaded docker holds long.
_WAIT = 20
_HOOKS = ("FORWARD", "INPUT")
#: Names of chains have 28 characters at most.
_LONGEST = 28


class Kind(NamedTuple):
    """One of the four rule sets that a host may have: of an IP version, kept by nf_tables or in the tables of old."""

    version: int
    is_legacy: bool

    @property
    def family(self) -> str:
        """Return the family that nftables has for the IP version."""
        return "ip" if self.version == 4 else "ip6"

    def program(self, suffix: str = "") -> Optional[str]:
        """Return the program that writes it, None where it is not installed."""
        backend = "legacy" if self.is_legacy else "nft"
        names = (f"{self.family}tables-{backend}{suffix}", f"{self.family}tables{suffix}")
        return next((name for name in names if command.find_program(name)), None)

    def is_used(self, chains: Optional[Chains]) -> bool:
        """Return whether it has a filter at all, given all chains of nftables; None where nobody can say which there are."""
        if self.is_legacy:
            return "filter" in _legacy_tables(self.family)
        if chains is None:
            return self.program() is not None
        wanted = {"family": self.family, "table": "filter"}
        return any(wanted.items() <= chain.items() and chain["name"] in _HOOKS for chain in chains)


#: Of a network: its bridge, and its gateways of one IP version, with the length of their prefix.
_Ours = tuple[str, tuple[str, ...]]
KINDS = tuple(Kind(version, is_legacy) for version in (4, 6) for is_legacy in (False, True))


def admit(networks: Sequence[NetworkRecord], chains: Optional[Chains], table: str) -> list[Kind]:
    """Make each rule set that may drop something take what belongs to these networks, and to no others of ours.

    ``chains`` are those of nftables (``nft.chains``), None without it. Returns the rule sets that can't be written, as the
    program that made them is not installed. Raises CommandFailed.
    """
    return [kind for kind in KINDS if kind.is_used(chains) and not _admit(kind, networks, table)]


def script(listing: str, networks: Sequence[NetworkRecord], table: str, version: int) -> str:
    """Return what iptables-restore is to be given, "" for nothing (pure).

    ``listing`` is what ``iptables --list-rules`` says.
    """
    lines = listing.splitlines()
    ours = _ours(networks, version)
    found = [line for hook in _HOOKS for line in _of_hook(lines, hook, ours, table)]
    return "\n".join(["*filter", *found, "COMMIT", ""]) if found else ""


def _admit(kind: Kind, networks: Sequence[NetworkRecord], table: str) -> bool:
    """Return whether it could be done."""
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
        # With --noflush a chain that is named is emptied first, and made if it is not there.
        yield f":{chain} - [0:0]"
        yield from wanted
        yield from [f"-D {hook} -j {chain}"] * lines.count(jump)
        yield f"-I {hook} 1 -j {chain}"
    elif f"-N {chain}" in lines:
        yield f":{chain} - [0:0]"
        yield from [f"-D {hook} -j {chain}"] * lines.count(jump)
        yield f"-X {chain}"


def _rules(hook: str, ours: _Ours) -> Iterator[str]:
    """Yield the rules for a network, each as iptables lists it."""
    bridge, gateways = ours
    if hook == "INPUT":
        for gateway in gateways:  # where containers ask for names
            yield f"-d {gateway} -i {bridge} -p udp -m udp --dport 53 -j ACCEPT"
            yield f"-d {gateway} -i {bridge} -p tcp -m tcp --dport 53 -j ACCEPT"
        if ":" in "".join(gateways):  # or nobody there finds the gateway, nor the gateway them (RFC 4861)
            yield f"-i {bridge} -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT"
            yield f"-i {bridge} -p ipv6-icmp -m icmp6 --icmpv6-type 136 -j ACCEPT"
        return
    # What must not pass between networks our own table drops, whatever is accepted here.
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
        # Not /proc/net: that shows the namespace of the process, not the thread's.
        with open(f"/proc/thread-self/net/{family}_tables_names", encoding="ascii") as stream:
            return stream.read().split()
    except (FileNotFoundError, PermissionError):
        return []
