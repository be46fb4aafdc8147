# SPDX-License-Identifier: GPL-3.0-or-later
"""iptables rules of networks and ports."""

from __future__ import annotations

import pytest

from _engine.model.network.spec import NetworkRecord, NetworkSpec, Subnet
from _engine.model.network.wiring import Port, Publication
from _engine.network import iptables_rules

ID = "ab" * 32
SAID = f"-m comment --comment {ID} -j DNAT --to-destination"


@pytest.mark.parametrize(
    ("port", "version", "rule"),
    [
        (Port("tcp", "", 8080, 80), 4, f"-p tcp -m tcp --dport 8080 {SAID} 10.1.0.2:80"),
        (Port("udp", "", 53, 53), 6, f"-p udp -m udp --dport 53 {SAID} [fd01::2]:53"),
        (Port("tcp", "10.0.0.9", 80, 80), 4, f"-d 10.0.0.9/32 -p tcp -m tcp --dport 80 {SAID} 10.1.0.2:80"),
        (Port("tcp", "fd00::9", 80, 80), 6, f"-d fd00::9/128 -p tcp -m tcp --dport 80 {SAID} [fd01::2]:80"),
        (Port("tcp", "", 8000, 80, 3), 4, f"-p tcp -m tcp --dport 8000:8002 {SAID} 10.1.0.2:80-82/8000"),
        (Port("tcp", "10.0.0.9", 80, 80), 6, None),
        (Port("tcp", "::", 80, 80), 4, None),
    ],
)
def test_a_port_is_a_rule(port, version, rule):
    """A port, or a range in order, is a single rule for each IP version on which it is published."""
    publication = Publication(ID, ("10.1.0.2", "fd01::2"), (port,))
    assert iptables_rules.of_ports(publication, version) == ([rule] if rule else [])


def test_jumps_that_are_there_are_not_written_again():
    """Existing jumps in the output of iptables-save are not added again, and chains are emptied first."""
    network = NetworkRecord("cd", NetworkSpec("web"), "sw-1", (Subnet("10.1.0.0/24"),), 0)
    script = iptables_rules.whole("", [network], [], "slipway", 4)
    jumps = [
        line
        for line in script.splitlines()
        if line.startswith(("-A PRE", "-A OUT", "-A POST", "-A FOR", "*"))
    ]
    assert len(jumps) == 8
    again = iptables_rules.whole("\n".join(jumps), [network], [], "slipway", 4)
    assert [line for line in script.splitlines() if line not in again.splitlines()] == [
        line for line in jumps if not line.startswith("*")
    ]
    assert again.count(" - [0:0]") == 4


def test_nothing_of_another_engine_is_removed():
    """Only the engine's own chains and the jumps to them are removed, even if other chains have the same prefix."""
    saved = (
        "*nat\n:PREROUTING ACCEPT [0:0]\n:SLIPWAY_PORTS - [0:0]\n:SLIPWAY_AB_PORTS - [0:0]\n"
        "-A PREROUTING -j SLIPWAY_PORTS\n-A PREROUTING -j SLIPWAY_AB_PORTS\nCOMMIT\n"
    )
    assert iptables_rules.gone(saved, "slipway").splitlines() == [
        "*nat",
        ":SLIPWAY_PORTS - [0:0]",
        "-D PREROUTING -j SLIPWAY_PORTS",
        "-X SLIPWAY_PORTS",
        "COMMIT",
    ]
    assert iptables_rules.gone("*nat\nCOMMIT", "slipway") == ""
