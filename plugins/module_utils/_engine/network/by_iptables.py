# SPDX-License-Identifier: GPL-3.0-or-later
"""Do what ``firewall`` does on a host that has iptables and no nftables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ..errors import NotFound
from ..kernel import command
from ..kernel.net import nft
from ..model.network.spec import NetworkRecord
from ..model.network.wiring import Publication
from . import forwarding, iptables_rules

_FAMILIES = {4: "iptables", 6: "ip6tables"}
_WAIT = ("--wait", "20")
_TIMEOUT = 60


def is_the_way() -> bool:
    """Return whether nftables is missing and iptables is there."""
    return not nft.is_there() and command.find_program("iptables-restore") is not None


def load(
    networks: Sequence[NetworkRecord], publications: Sequence[Publication], table: str, *, loopback6: bool
) -> None:
    """Write all of ours anew: one transaction for each table of iptables. Raises CommandFailed, as all here."""
    for version in _versions():
        saved = _saved(version)
        script = iptables_rules.whole(saved, networks, publications, table, version, loopback6=loopback6)
        _restore(version, script)


def renew(networks: Sequence[NetworkRecord], table: str) -> None:
    """Make the chains know these networks and no others; raises NotFound when they are not there."""
    loopback6 = not forwarding.filters_bridged(6)
    for version in _versions():
        saved = _there(version, table)
        _restore(version, iptables_rules.whole(saved, networks, None, table, version, loopback6=loopback6))


def publish(publication: Publication, _former: Optional[Publication], table: str) -> None:
    """Add the ports of a container, in place of its former ones; raises NotFound when our chains are not there."""
    for version in _versions():
        saved = _there(version, table)
        _restore(
            version, iptables_rules.changed(saved, publication.container_id, [publication], table, version)
        )


def withdraw(container_id: str, _known: Optional[Publication], table: str) -> None:
    """Close all ports of a container; none, or no chains, is fine."""
    for version in _versions():
        _restore(version, iptables_rules.changed(_saved(version), container_id, [], table, version))


def present(table: str) -> bool:
    """Return whether our chains are there."""
    return all(iptables_rules.is_there(_saved(version), table) for version in _versions())


def remove(table: str) -> None:
    """Remove all of ours; none is fine."""
    for version in _versions():
        _restore(version, iptables_rules.gone(_saved(version), table))


def _versions() -> list[int]:
    return [version for version, name in _FAMILIES.items() if command.find_program(f"{name}-restore")]


def _there(version: int, table: str) -> str:
    saved = _saved(version)
    if not iptables_rules.is_there(saved, table):
        raise NotFound("chain of iptables", table, remedy="Load the engine's rules again")
    return saved


def _saved(version: int) -> str:
    done = command.run([f"{_FAMILIES[version]}-save"], timeout=_TIMEOUT)
    return done.stdout.decode("utf-8", "replace")


def _restore(version: int, script: str) -> None:
    if script:
        program = f"{_FAMILIES[version]}-restore"
        command.run([program, *_WAIT, "--noflush"], stdin=script.encode(), timeout=_TIMEOUT)
