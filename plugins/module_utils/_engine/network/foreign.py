# SPDX-License-Identifier: GPL-3.0-or-later
"""Find other firewalls of the host that drop what our networks send, and make them take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..kernel.net import nft
from ..model.network.spec import NetworkRecord
from . import firewalld, iptables, rules

#: Of nftables, where what our networks send and get may be dropped: on its way, and to the host itself.
_HOOKS = ("forward", "input")


class Hindrance(NamedTuple):
    """A chain of somebody else that drops what it does not know; nobody but its owner can mend it."""

    family: str
    table: str
    chain: str
    hook: str = "forward"


def admit(
    networks: Sequence[NetworkRecord], *, gone: Sequence[str] = (), table: str = rules.TABLE
) -> tuple[Hindrance, ...]:
    """Make iptables (docker, ufw) and firewalld take what these networks send and get; return what still stands in the way.

    Called with all networks, after ``firewall.load`` and ``renew``; ``gone`` are the bridges of networks that were removed.
    Without any network nothing of ours stays with others. Raises CommandFailed, and HostLacks where firewalld runs without its
    program.
    """
    chains = nft.chains() if nft.is_there() else None
    unwritten = iptables.admit(networks, chains, table)
    if firewalld.is_running(chains or ()):
        firewalld.trust([network.interface for network in networks if rules.has_rules(network)])
        firewalld.forget(gone)
    found = hindrances(chains or (), unwritten, table)
    return tuple(one for one in found if not _is_told(one, networks))


def _is_told(one: Hindrance, networks: Sequence[NetworkRecord]) -> bool:
    """Return whether the owner of a table of nftables has named our bridges there: what it says of them is meant."""
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
    """Return the chains that drop what is forwarded or comes to the host, and are neither ours nor were told (pure)."""
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
