# SPDX-License-Identifier: GPL-3.0-or-later
"""Find other firewalls of the host that drop packets of the engine's networks, and make them accept these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..kernel.net import nft
from ..model.network.spec import NetworkRecord
from . import firewalld, iptables, rules

#: The nftables hooks at which packets of networks may be dropped: forwarded ones, and those to the host itself.
_HOOKS = ("forward", "input")


class Hindrance(NamedTuple):
    """A foreign chain that drops packets by default; only its owner can change it."""

    family: str
    table: str
    chain: str
    hook: str = "forward"


def admit(
    networks: Sequence[NetworkRecord], *, gone: Sequence[str] = (), table: str = rules.TABLE
) -> tuple[Hindrance, ...]:
    """Make iptables (docker, ufw) and firewalld accept packets of these networks; return the remaining obstacles.

    Called with all networks, after ``firewall.load`` and ``renew``; ``gone`` are the bridges of removed networks. Without any
    network, all rules in foreign firewalls are removed. Raises CommandFailed, or HostLacks if firewalld runs without its program.
    """
    chains = nft.chains() if nft.is_there() else None
    unwritten = iptables.admit(networks, chains, table)
    if firewalld.is_running(chains or ()):
        firewalld.trust([network.interface for network in networks if rules.has_rules(network)])
        firewalld.forget(gone)
    found = hindrances(chains or (), unwritten, table)
    return tuple(one for one in found if not _is_told(one, networks))


def _is_told(one: Hindrance, networks: Sequence[NetworkRecord]) -> bool:
    """Return whether the owner of an nftables table has rules for the engine's bridges, which are then intended."""
    if one.table == "filter" or not nft.is_there():
        return False
    text = str(nft.table(one.family, one.table))
    return all(
        f"'{network.interface}'" in text or "'sw-*'" in text
        for network in networks
        if rules.has_rules(network)
    )


def hindrances(
    chains: Sequence[Mapping[str, object]], unwritten: Sequence[iptables.Kind], table: str
) -> tuple[Hindrance, ...]:
    """Return the foreign chains that drop forwarded or incoming packets, and could not be changed (pure)."""
    told = {(family, "filter") for family in ("ip", "ip6")} - {
        (kind.family, "filter") for kind in unwritten if not kind.is_legacy
    }
    found = [
        Hindrance(str(chain["family"]), str(chain["table"]), str(chain["name"]), str(chain["hook"]))
        for chain in chains
        if chain.get("hook") in _HOOKS
        and chain.get("policy") == "drop"
        and (chain["family"], chain["table"]) not in told
        and chain["table"] not in (table, firewalld.TABLE)
    ]
    legacy = [Hindrance(kind.family, "filter", "FORWARD") for kind in unwritten if kind.is_legacy]
    return tuple(found + legacy)
