# SPDX-License-Identifier: GPL-3.0-or-later
"""Put bridges into firewalld's zone of trusted interfaces; sources: firewall-cmd(1), firewalld.zones(5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..kernel import command

#: The table that a running firewalld has.
TABLE = "firewalld"
_ZONE = "--zone=trusted"
_PROGRAM = "firewall-cmd"
_TIMEOUT = 60


def is_running(chains: Sequence[Mapping[str, object]]) -> bool:
    """Return whether firewalld runs, given all chains of nftables."""
    return any(chain["table"] == TABLE for chain in chains)


def trust(bridges: Sequence[str]) -> None:
    """Let firewalld take what comes in on these interfaces, now and after each reload; those that it takes already stay.

    Raises HostLacks, CommandFailed.
    """
    known = _trusted()
    _change("--change-interface", [bridge for bridge in bridges if bridge not in known])


def forget(bridges: Sequence[str]) -> None:
    """Take interfaces out of the zone; those that are not in it are fine."""
    known = _trusted()
    _change("--remove-interface", [bridge for bridge in bridges if bridge in known])


def _trusted() -> list[str]:
    listed = command.run([_PROGRAM, "--permanent", _ZONE, "--list-interfaces"], timeout=_TIMEOUT)
    return listed.stdout.decode("utf-8", "replace").split()


def _change(option: str, bridges: Sequence[str]) -> None:
    if not bridges:
        return
    wanted = [f"{option}={bridge}" for bridge in bridges]
    for scope in ([], ["--permanent"]):  # a reload keeps only what is permanent, and shows it only then
        command.run([_PROGRAM, *scope, _ZONE, *wanted], timeout=_TIMEOUT)
