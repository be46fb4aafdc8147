# SPDX-License-Identifier: GPL-3.0-or-later
"""Add bridges to firewalld's zone of trusted interfaces; sources: firewall-cmd(1), firewalld.zones(5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..kernel import command

#: The table of a running firewalld.
TABLE = "firewalld"
_ZONE = "--zone=trusted"
_PROGRAM = "firewall-cmd"
_TIMEOUT = 60


def is_running(chains: Sequence[Mapping[str, object]]) -> bool:
    """Return whether firewalld is running, given all chains of nftables."""
    return any(chain["table"] == TABLE for chain in chains)


def trust(bridges: Sequence[str]) -> None:
    """Add interfaces to the trusted zone, now and after each reload; those in it stay. Raises HostLacks or CommandFailed."""
    known = _trusted()
    _change("--change-interface", [bridge for bridge in bridges if bridge not in known])


def forget(bridges: Sequence[str]) -> None:
    """Remove interfaces from the trusted zone, if they are in it."""
    known = _trusted()
    _change("--remove-interface", [bridge for bridge in bridges if bridge in known])


def _trusted() -> list[str]:
    listed = command.run([_PROGRAM, "--permanent", _ZONE, "--list-interfaces"], timeout=_TIMEOUT)
    return listed.stdout.decode("utf-8", "replace").split()


def _change(option: str, bridges: Sequence[str]) -> None:
    if not bridges:
        return
    wanted = [f"{option}={bridge}" for bridge in bridges]
    for scope in (
        [],
        ["--permanent"],
    ):  # a reload keeps only permanent changes, and permanent changes take effect only at a reload
        command.run([_PROGRAM, *scope, _ZONE, *wanted], timeout=_TIMEOUT)
