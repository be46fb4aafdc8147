# SPDX-License-Identifier: GPL-3.0-or-later
"""Coexistence with other firewalls of the host."""

from __future__ import annotations

import subprocess

import pytest

from _engine.kernel import command
from _engine.kernel.net import nft
from _engine.model.network.wiring import Port, Publication
from _engine.network import bridge, firewall, foreign
from netlab import HOST4, HOST6, LATE, LOST, OUTSIDE4, OUTSIDE6, Lab, attachment, plain, record

NETWORK = record("plain", 1)
WEB, PEER = attachment(NETWORK, 2), attachment(NETWORK, 3)
PORTS = Publication("ab" * 32, tuple(map(plain, WEB.addresses)), (Port("tcp", "", 8080, 80),))
DOCKER = "-P FORWARD DROP; {0} -N DOCKER-USER; {0} -A DOCKER-USER -j RETURN; {0} -A FORWARD -j DOCKER-USER"
CLOSED = "-P FORWARD DROP; {0} -P INPUT DROP"
REJECTS = "-A FORWARD -j REJECT"


def sh(lab: Lab, script: str) -> str:
    """Run a script on the host, and return its output."""
    argv = ["nsenter", f"--net={lab.path('host')}", "sh", "-ec", script]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def town(lab):
    """Return the lab with a container with a published port, a server in it, and a server outside."""
    lab.host(bridge.ensure, NETWORK)
    for name, wanted in (("web", WEB), ("peer", PEER)):
        lab.attach(name, NETWORK, wanted)
    lab.host(firewall.load, [NETWORK], [PORTS])
    with lab.serving("web", "::", 80), lab.serving("outside", "::", 70):
        yield lab


def reached(lab: Lab, *, wait: float = LATE) -> list[bool]:
    """Return whether outside reaches the port, and a container the outside; both in both IP versions."""
    return [
        lab.asked(who, where, port, wait=wait) != ""
        for who, where, port in (
            ("outside", HOST4, 8080),
            ("outside", HOST6, 8080),
            ("peer", OUTSIDE4, 70),
            ("peer", OUTSIDE6, 70),
        )
    ]


@pytest.mark.parametrize("rules", [DOCKER, CLOSED, REJECTS], ids=["docker", "closed", "rejects"])
@pytest.mark.parametrize("variant", ["nft", "legacy"])
def test_iptables_lets_our_networks_through(town, need, variant, rules):
    """If iptables drops forwarded packets, networks are accepted, and nothing of the engine is left at the end."""
    programs = [f"{family}tables-{variant}" for family in ("ip", "ip6")]
    need(all(map(command.find_program, programs)), f"iptables-{variant}")
    try:
        for program in programs:
            sh(town, f"{program} {rules.format(program)}")
        before = [sh(town, f"{program} -S") for program in programs]
        assert reached(town, wait=LOST) == [False] * 4
        assert town.host(foreign.admit, [NETWORK]) == ()
        assert reached(town) == [True] * 4
        told = [sh(town, f"{program} -S") for program in programs]
        assert town.host(foreign.admit, [NETWORK]) == ()
        assert [sh(town, f"{program} -S") for program in programs] == told
        town.host(foreign.admit, [])
        assert [sh(town, f"{program} -S") for program in programs] == before
    finally:
        for program in programs:
            sh(town, f"{program} -F; {program} -X; {program} -P FORWARD ACCEPT; {program} -P INPUT ACCEPT")


@pytest.mark.parametrize("variant", ["nft", "legacy"])
def test_names_are_asked_for_at_a_closed_host(town, need, variant):
    """A host that drops incoming packets, as with ufw, accepts only port 53 of its gateways from containers."""
    programs = [f"{family}tables-{variant}" for family in ("ip", "ip6")]
    need(all(map(command.find_program, programs)), f"iptables-{variant}")
    gateways = [subnet.gateway for subnet in NETWORK.subnets]
    asked = [
        (gateway, port, kind)
        for gateway in gateways
        for port, kind in ((53, "udp"), (53, "tcp"), (54, "tcp"))
    ]
    asked += [(HOST4, 53, "tcp"), (HOST6, 53, "tcp")]
    servers = [
        town.serving("host", "::", port, kind) for port, kind in ((53, "udp"), (53, "tcp"), (54, "tcp"))
    ]
    try:
        for program in programs:
            sh(town, f"{program} -P INPUT DROP")
        town.host(foreign.admit, [NETWORK])
        for place in ("host", "peer"):  # nobody is to be found because he was before
            argv = ["nsenter", f"--net={town.path(place)}", "ip", "neigh", "flush", "all"]
            subprocess.run(argv, check=True, capture_output=True)
        with servers[0], servers[1], servers[2]:
            found = [
                town.asked("peer", *one, wait=LATE if one[0] in gateways and one[1] == 53 else LOST)
                for one in asked
            ]
        assert [bool(one) for one in found] == [True, True, False, True, True, False, False, False]
    finally:
        for program in programs:
            sh(town, f"{program} -F; {program} -X; {program} -P INPUT ACCEPT")


def test_it_comes_back_after_a_flush_of_iptables(town, need):
    """Rules of iptables that were flushed, as by a restart of their owner, are added again."""
    need(command.find_program("iptables-nft"), "iptables-nft")
    try:
        for _ignored in range(2):
            sh(town, "iptables-nft -F; iptables-nft -P FORWARD DROP")
            assert town.asked("outside", HOST4, 8080, wait=LOST) == ""
            town.host(foreign.admit, [NETWORK])
            assert town.asked("outside", HOST4, 8080) != ""
    finally:
        sh(town, "iptables-nft -P FORWARD ACCEPT; iptables-nft -F; iptables-nft -X")


def test_iptables_is_told_without_nftables_too(town, need, monkeypatch):
    """Without libnftables and nft, iptables itself is queried for rules that drop packets."""
    need(command.find_program("iptables"), "iptables")
    monkeypatch.setattr(nft, "_loaded", [None])
    monkeypatch.setattr(nft, "PROGRAM", "no-nft")
    try:
        sh(town, "iptables -P FORWARD DROP")
        assert town.asked("peer", OUTSIDE4, 70, wait=LOST) == ""
        assert town.host(foreign.admit, [NETWORK]) == ()
        assert town.asked("peer", OUTSIDE4, 70) != ""
        town.host(foreign.admit, [])
        assert "SLIPWAY" not in sh(town, "iptables -S")
    finally:
        sh(town, "iptables -P FORWARD ACCEPT; iptables -F; iptables -X")


def test_another_ruleset_that_drops_is_named(town):
    """An nftables chain that drops forwarded packets is reported until its owner adds the engine's bridges."""
    town.host(
        nft.apply, "table inet mine { chain through { type filter hook forward priority 0; policy drop; }; }"
    )
    try:
        assert town.host(foreign.admit, [NETWORK]) == (foreign.Hindrance("inet", "mine", "through"),)
        town.host(nft.apply, f'add rule inet mine through iifname {{ "x", "{NETWORK.interface}" }} accept')
        assert town.host(foreign.admit, [NETWORK]) == ()
    finally:
        town.host(nft.apply, "delete table inet mine")


def test_an_open_host_is_left_alone(town):
    """If nothing drops packets, nothing is written, not even a table."""
    before = [town.host(nft._listed, f"list {what}") for what in ("tables", "chains")]
    assert town.host(foreign.admit, [NETWORK]) == ()
    assert [town.host(nft._listed, f"list {what}") for what in ("tables", "chains")] == before
