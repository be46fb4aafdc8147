# SPDX-License-Identifier: GPL-3.0-or-later
"""nftables rules of networks and ports."""

from __future__ import annotations

import pytest

from _engine.model.network.spec import NetworkRecord, NetworkSpec, Subnet
from _engine.model.network.wiring import Port, Publication
from _engine.network import rules
from _engine.network.rules import Element

ID = "ab" * 32
BOTH = ("10.1.0.2", "fd01::2")
OUT4 = "add rule inet t subnets ip saddr 10.1.0.0/24 ip daddr != { 10.1.0.0/24, 224.0.0.0/4 } masquerade"
OUT6 = "add rule inet t subnets ip6 saddr fd01::/64 ip6 daddr != { fd01::/64, ff00::/8 } masquerade"
BACK4 = "add rule inet t subnets ip saddr 10.1.0.0/24 ip daddr 10.1.0.0/24 ct status dnat masquerade"
BACK6 = "add rule inet t subnets ip6 saddr fd01::/64 ip6 daddr fd01::/64 ct status dnat masquerade"


def network(*subnets: str, **spec: object) -> NetworkRecord:
    """Return a network."""
    return NetworkRecord("cd" * 32, NetworkSpec("web", **spec), "sw-1", tuple(map(Subnet, subnets)), 0)


def published(*ports: Port, addresses: tuple[str, ...] = BOTH) -> Publication:
    """Return ports of a container."""
    return Publication(ID, addresses, ports)


@pytest.mark.parametrize(
    ("port", "addresses", "elements"),
    [
        (
            Port("tcp", "", 8080, 80),
            BOTH,
            [("ports4", "6 . 8080", "10.1.0.2 . 80"), ("ports6", "6 . 8080", "fd01::2 . 80")],
        ),
        (Port("udp", "", 53, 5353), BOTH[:1], [("ports4", "17 . 53", "10.1.0.2 . 5353")]),
        (Port("sctp", "", 9, 9), BOTH[1:], [("ports6", "132 . 9", "fd01::2 . 9")]),
        (Port("tcp", "0.0.0.0", 80, 80), BOTH, [("ports4", "6 . 80", "10.1.0.2 . 80")]),
        (Port("tcp", "::", 80, 80), BOTH, [("ports6", "6 . 80", "fd01::2 . 80")]),
        (Port("tcp", "127.0.0.1", 80, 80), BOTH, [("ports4_at", "127.0.0.1 . 6 . 80", "10.1.0.2 . 80")]),
        (Port("tcp", "fd00::1", 80, 80), BOTH, [("ports6_at", "fd00::1 . 6 . 80", "fd01::2 . 80")]),
        (Port("tcp", "fd00::1", 80, 80), BOTH[:1], []),
        (
            Port("tcp", "0.0.0.0", 8000, 80, 3),
            BOTH,
            [("ports4", f"6 . {8000 + at}", f"10.1.0.2 . {80 + at}") for at in range(3)],
        ),
        (Port("tcp", "", 80, 80), (), []),
    ],
)
def test_a_port_is_an_element_of_a_map(port, addresses, elements):
    """A port is an element per number and IP version, in the map for any address or for a single address of the host."""
    found = rules.elements(published(port, addresses=addresses))
    assert found == [Element(*element) for element in elements]


def test_all_ports_of_a_container_are_one_command_for_each_map():
    """Ports are added together with the container's ID, and removed by their keys."""
    ports = published(Port("tcp", "0.0.0.0", 80, 81), Port("udp", "0.0.0.0", 80, 81))
    added = (
        f'add element inet t ports4 {{ 6 . 80 comment "{ID}" : 10.1.0.2 . 81,'
        f' 17 . 80 comment "{ID}" : 10.1.0.2 . 81 }}'
    )
    assert rules.published(ports, "t") == added
    assert rules.deleted(rules.elements(ports), "t") == "delete element inet t ports4 { 6 . 80, 17 . 80 }"


def test_whose_an_element_is_stands_in_its_comment():
    """The elements of a container are those with its ID as the comment; sets, chains and other elements are ignored."""
    theirs = {"elem": {"val": {"concat": [6, 81]}, "comment": "other"}}
    ours = {"elem": {"val": {"concat": ["127.0.0.1", 6, 80]}, "comment": ID}}
    objects = [
        {"metainfo": {"version": "1.0.6"}},
        {"table": {"name": "slipway"}},
        {"set": {"name": "bridges", "elem": ["sw-1"]}},
        {"map": {"name": "ports4"}},
        {
            "map": {
                "name": "ports4_at",
                "elem": [
                    [theirs, {"concat": ["10.1.0.3", 80]}],
                    [ours, {"concat": ["10.1.0.2", 80]}],
                    [{"concat": [6, 82]}, {"concat": ["10.1.0.4", 80]}],
                ],
            }
        },
    ]
    assert rules.owned(objects, ID) == [Element("ports4_at", "127.0.0.1 . 6 . 80", "10.1.0.2 . 80")]


@pytest.mark.parametrize(
    ("record", "sets", "lines"),
    [
        (network("10.1.0.0/24"), ["bridges"], [BACK4, OUT4]),
        (network("fd01::/64"), ["bridges"], [BACK6, OUT6]),
        (network("10.1.0.0/24", "fd01::/64"), ["bridges"], [BACK4, OUT4, BACK6, OUT6]),
        (network("10.1.0.0/24", internal=True), ["bridges", "internal"], [BACK4]),
        (network(options={"isolate": "false"}), ["bridges"], []),
        (network(options={"isolate": "true"}), ["bridges", "isolated"], []),
        (network(options={"isolate": "strict"}), ["bridges", "isolated", "strict"], []),
    ],
)
def test_a_network_is_members_of_sets_and_rules_of_its_subnets(record, sets, lines):
    """The sets of a bridge express the network's isolation; subnets are masqueraded unless it is internal."""
    found = rules.renewed([record], "t").splitlines()
    members = {line.split()[4] for line in found if line.startswith("add element") and '"sw-1" }' in line}
    assert members == {*sets, "same"}
    assert [line for line in found if line.startswith("add rule")] == lines


def test_bridges_that_are_given_are_left_alone():
    """A bridge that the engine does not manage gets no rules."""
    assert "sw-1" not in rules.whole([network("10.1.0.0/24", options={"mode": "unmanaged"})], [], "t")


@pytest.mark.parametrize("driver", ["macvlan", "ipvlan", "cni"])
def test_networks_without_a_bridge_have_no_rules(driver):
    """A network without a bridge of the engine gets no rules."""
    assert "sw-1" not in rules.whole([network("10.1.0.0/24", driver=driver)], [], "t")


def test_a_table_is_written_in_place_of_the_old_one():
    """The whole table, including ports, replaces the old one in a single transaction."""
    script = rules.whole([network("10.1.0.0/24")], [published(Port("tcp", "", 80, 80))], "slipway_x")
    assert script.startswith("table inet slipway_x\ndelete table inet slipway_x\ntable inet slipway_x {")
    assert rules.published(published(Port("tcp", "", 80, 80)), "slipway_x") in script
    assert ("ip6 daddr ::1 return" in script) is False
    assert "ip6 daddr ::1 return" in rules.whole([], [], "slipway_x", loopback6=False)


def test_each_root_has_a_table_of_its_own():
    """The default root has the plain table name, any other root a name derived from it."""
    assert rules.table_of("/var/lib/slipway") == "slipway"
    names = {rules.table_of(root) for root in ("/srv/a", "/srv/b", "/srv/a")}
    assert len(names) == 2
    assert all(name.startswith("slipway_") and len(name) == 16 for name in names)


@pytest.mark.parametrize("bad", ['a" }', "a\nflush ruleset", "a b", "*", "sw*", "", "{", "$x", "a;b", "@set"])
def test_nothing_gets_into_a_script_but_words(bad):
    """A name, an address or an ID that nft would not parse as a single word is refused."""
    record = network("10.1.0.0/24")
    for wrong in (
        lambda: rules.renewed([NetworkRecord("cd", record.spec, bad, record.subnets, 0)], "t"),
        lambda: rules.renewed([NetworkRecord("cd", record.spec, "x", (Subnet(bad),), 0)], "t"),
        lambda: rules.published(Publication(bad, BOTH, (Port("tcp", "", 80, 80),)), "t"),
        lambda: rules.published(Publication(ID, (bad,), (Port("tcp", "", 80, 80),)), "t"),
        lambda: rules.whole([], [], bad),
    ):
        with pytest.raises(ValueError, match="is not safe in a rule"):
            wrong()


def test_another_protocol_is_refused():
    """A protocol without ports is a bug in the caller."""
    with pytest.raises(KeyError):
        rules.elements(published(Port("icmp", "", 80, 80)))
