# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules in other firewalls."""

from __future__ import annotations

import pytest

from _engine.model.network.spec import NetworkRecord, NetworkSpec, Subnet
from _engine.network import firewalld, iptables
from _engine.network.foreign import Hindrance, hindrances
from _engine.network.iptables import Kind

NETWORK = NetworkRecord("cd" * 32, NetworkSpec("web"), "sw-1", (Subnet("10.1.0.0/24", "10.1.0.1"),), 0)
GIVEN = NetworkRecord(
    "ef" * 32, NetworkSpec("given", options={"mode": "unmanaged"}), "br0", (Subnet("10.2.0.0/24"),), 0
)
POLICIES = "-P INPUT {}\n-P FORWARD {}\n-P OUTPUT ACCEPT\n"
OPEN, CLOSED = (POLICIES.format(policy, policy) for policy in ("ACCEPT", "DROP"))
FORWARD = [
    "-A SLIPWAY_FORWARD -i sw-1 -j ACCEPT",
    "-A SLIPWAY_FORWARD -o sw-1 -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT",
]
INPUT = [
    "-A SLIPWAY_INPUT -d 10.1.0.1/32 -i sw-1 -p udp -m udp --dport 53 -j ACCEPT",
    "-A SLIPWAY_INPUT -d 10.1.0.1/32 -i sw-1 -p tcp -m tcp --dport 53 -j ACCEPT",
]
FIRST = ["-I FORWARD 1 -j SLIPWAY_FORWARD"]
JUMP = "-A FORWARD -j SLIPWAY_FORWARD"
DOCKER = "-P INPUT ACCEPT\n-P FORWARD DROP\n-N DOCKER-USER\n-A FORWARD -j DOCKER-USER\n"
#: As DOCKER, with ours in it.
TOLD = "\n".join(
    [*DOCKER.splitlines()[:3], "-N SLIPWAY_FORWARD", JUMP, "-A FORWARD -j DOCKER-USER", *FORWARD]
)
OVERTAKEN = TOLD.replace(f"{JUMP}\n-A FORWARD -j DOCKER-USER", f"-A FORWARD -j DOCKER-USER\n{JUMP}")
GONE = [":SLIPWAY_FORWARD - [0:0]", "-D FORWARD -j SLIPWAY_FORWARD", "-X SLIPWAY_FORWARD"]


@pytest.mark.parametrize(
    ("listing", "networks", "version", "lines"),
    [
        (OPEN, [NETWORK], 4, []),
        (CLOSED, [], 4, []),
        (CLOSED, [NETWORK], 6, []),
        (CLOSED, [GIVEN], 4, []),
        (
            CLOSED,
            [NETWORK],
            4,
            [
                ":SLIPWAY_FORWARD - [0:0]",
                *FORWARD,
                *FIRST,
                ":SLIPWAY_INPUT - [0:0]",
                *INPUT,
                "-I INPUT 1 -j SLIPWAY_INPUT",
            ],
        ),
        (DOCKER, [NETWORK], 4, [":SLIPWAY_FORWARD - [0:0]", *FORWARD, *FIRST]),
        (TOLD, [NETWORK], 4, []),
        (OVERTAKEN, [NETWORK], 4, [GONE[0], *FORWARD, GONE[1], *FIRST]),
        (TOLD.replace("-i sw-1", "-i sw-2"), [NETWORK], 4, [GONE[0], *FORWARD, GONE[1], *FIRST]),
        (TOLD, [], 4, GONE),
        (TOLD.replace(f"{JUMP}\n", ""), [], 4, [GONE[0], GONE[2]]),
        (f"{OPEN}-N SLIPWAY_FORWARD\n{JUMP}\n{FORWARD[0]}", [NETWORK], 4, GONE),
    ],
    ids=range(12),
)
def test_what_iptables_is_told(listing, networks, version, lines):
    """A filter that may drop packets gets the engine's chain first, a correct one is not changed, any other loses the chain."""
    told = iptables.script(listing, networks, "slipway", version)
    assert told.splitlines() == (["*filter", *lines, "COMMIT"] if lines else [])


def chain(family: str, table: str, name: str, hook: str = "forward", policy: str = "drop") -> dict[str, str]:
    """Return a chain as nftables shows it."""
    return {"family": family, "table": table, "name": name, "hook": hook, "policy": policy}


@pytest.mark.parametrize(
    ("chains", "unwritten", "found"),
    [
        ([chain("ip", "filter", "FORWARD"), chain("inet", "slipway", "forward")], [], []),
        ([chain("inet", "firewalld", "filter_FORWARD")], [], []),
        ([chain("inet", "mine", "fwd")], [], [Hindrance("inet", "mine", "fwd")]),
        ([chain("inet", "mine", "fwd", policy="accept"), chain("inet", "mine", "out", "output")], [], []),
        ([chain("inet", "mine", "in", "input")], [], [Hindrance("inet", "mine", "in", "input")]),
        ([{"family": "inet", "table": "mine", "name": "plain"}], [], []),
        ([chain("ip", "filter", "FORWARD")], [Kind(4, False)], [Hindrance("ip", "filter", "FORWARD")]),
        ([chain("ip", "filter", "FORWARD")], [Kind(6, True)], [Hindrance("ip6", "filter", "FORWARD")]),
    ],
)
def test_what_nobody_could_be_told_is_named(chains, unwritten, found):
    """A chain that drops forwarded packets, and that only its owner can change, is reported."""
    assert hindrances(chains, unwritten, "slipway") == tuple(found)


@pytest.mark.parametrize(("chains", "runs"), [([chain("inet", "firewalld", "x")], True), ([], False)])
def test_firewalld_is_known_by_its_table(chains, runs):
    """A running firewalld is detected by its table, without its program, which takes a third of a second."""
    assert firewalld.is_running(chains) is runs


def test_firewalld_trusts_bridges(tmp_path, monkeypatch):
    """Bridges are trusted permanently if they are not, removed bridges are no longer trusted, others are left alone."""
    said = tmp_path / "said"
    program = tmp_path / "firewall-cmd"
    program.write_text(
        f'#!/bin/sh\necho "$@" >>{said}\n[ "$3" = --list-interfaces ] && echo sw-1 sw-9 br0\nexit 0\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(firewalld, "_PROGRAM", str(program))
    firewalld.trust(["sw-1", "sw-2"])
    firewalld.forget(["sw-9", "sw-8"])
    lists = "--permanent --zone=trusted --list-interfaces"
    assert said.read_text().splitlines() == [
        lists,
        "--zone=trusted --change-interface=sw-2",
        "--permanent --zone=trusted --change-interface=sw-2",
        lists,
        "--zone=trusted --remove-interface=sw-9",
        "--permanent --zone=trusted --remove-interface=sw-9",
    ]
