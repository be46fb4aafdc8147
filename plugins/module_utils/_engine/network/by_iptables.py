# SPDX-License-Identifier: GPL-3.0-or-later
"""Implement ``firewall`` with iptables, for hosts without nftables."""

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
    """Return whether nftables is missing and iptables is installed."""
    return not nft.is_there() and command.find_program("iptables-restore") is not None


def load(
    networks: Sequence[NetworkRecord], publications: Sequence[Publication], table: str, *, loopback6: bool
) -> None:
    """Rewrite all rules of the engine, in one transaction per table. Raises CommandFailed, like all functions here."""
    for version in _versions():
        saved = _saved(version)
        script = iptables_rules.whole(saved, networks, publications, table, version, loopback6=loopback6)
        _restore(version, script)


def renew(networks: Sequence[NetworkRecord], table: str) -> None:
    """Rewrite the rules of networks; ports stay. Raises NotFound if the engine's chains do not exist."""
    loopback6 = not forwarding.filters_bridged(6)
    for version in _versions():
        saved = _there(version, table)
        _restore(version, iptables_rules.whole(saved, networks, None, table, version, loopback6=loopback6))


def publish(publication: Publication, _former: Optional[Publication], table: str) -> None:
    """Replace the ports of a container. Raises NotFound if the engine's chains do not exist."""
    for version in _versions():
        saved = _there(version, table)
        _restore(
            version, iptables_rules.changed(saved, publication.container_id, [publication], table, version)
        )


def withdraw(container_id: str, _known: Optional[Publication], table: str) -> None:
    """Remove all ports of a container; do nothing if there are none, or no chains."""
    for version in _versions():
        _restore(version, iptables_rules.changed(_saved(version), container_id, [], table, version))


def present(table: str) -> bool:
    """Return whether the engine's chains exist."""
    return all(iptables_rules.is_there(_saved(version), table) for version in _versions())


def remove(table: str) -> None:
    """Remove all rules of the engine; do nothing if there are none."""
    for version in _versions():
        _restore(version, iptables_rules.gone(_saved(version), table))


def _versions() -> list[int]:
    return [version for version, name in _FAMILIES.items() if command.find_program(f"{name}-restore")]


def _there(version: int, table: str) -> str:
    saved = _saved(version)
    if not iptables_rules.is_there(saved, table):
        raise NotFound("iptables chain", table, remedy="Reload the engine's rules")
    return saved


def _saved(version: int) -> str:
    done = command.run([f"{_FAMILIES[version]}-save"], timeout=_TIMEOUT)
    return done.stdout.decode("utf-8", "replace")


def _restore(version: int, script: str) -> None:
    if script:
        program = f"{_FAMILIES[version]}-restore"
        command.run([program, *_WAIT, "--noflush"], stdin=script.encode(), timeout=_TIMEOUT)
