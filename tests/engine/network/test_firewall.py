# SPDX-License-Identifier: GPL-3.0-or-later
"""Published ports and isolated networks, seen from everywhere."""

from __future__ import annotations

import socket
import subprocess

import pytest

from _engine.errors import NotFound
from _engine.kernel.net import nft, sysctl
from _engine.model.network.wiring import Port
from _engine.network import firewall, rules
from enginehost import eventually
from netlab import HOST4, HOST6, LATE, OUTSIDE4, OUTSIDE6, attachment
from nettown import (
    ASKED,
    CONTAINERS,
    GATEWAY4,
    GATEWAY6,
    NETWORKS,
    OTHER,
    PASSES,
    PLAIN,
    PORTS,
    WEB,
    address,
    bound,
    loaded,
    opened,
    passes,
    publication,
    seen,
)


@pytest.fixture(scope="module")
def town(lab):
    """Return the lab with all networks."""
    with opened(lab):
        yield lab


@pytest.mark.parametrize(
    ("who", "where", "port", "sees"), ASKED, ids=[f"{case[0]}-{case[1]}-{case[2]}" for case in ASKED]
)
def test_who_reaches_what(town, who, where, port, sees):
    """Exactly the permitted clients reach a port, and keep their address if the answer is routed back."""
    assert seen(town, who, where, port, expected=sees) == sees


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(("who", "to", "arrives"), PASSES)
def test_what_passes_between_networks(town, who, to, arrives, version):
    """Datagrams between two networks pass or not, in each direction separately."""
    assert passes(town, who, to, version, expected=arrives) is arrives


@pytest.mark.parametrize(
    ("who", "where", "sees"),
    [
        ("outside", HOST4, OUTSIDE4),
        ("outside", HOST6, OUTSIDE6),
        ("host", "127.0.0.1", GATEWAY4),
        ("host", "::1", GATEWAY6),
        ("web", HOST4, GATEWAY4),
    ],
)
def test_datagrams_reach_a_port(town, who, where, sees):
    """A published UDP port is reachable like a TCP port, and answers from the requested address."""
    assert seen(town, who, where, 8080, "udp", expected=sees) == sees


@pytest.mark.parametrize(
    ("who", "gateway"), [("outside", HOST4), ("peer", GATEWAY4)], ids=["outside", "container"]
)
@pytest.mark.parametrize("port", [8080, 8081, 71])
def test_nobody_else_reaches_127_0_0_1(town, who, gateway, port):
    """A neighbour that routes 127.0.0.1 to the host reaches neither its published ports nor its servers there."""
    interface = "eth0"
    town.within(who, lambda: sysctl.ensure(sysctl.of_interface(4, interface, "route_localnet"), "1"))
    address = (
        f"{OUTSIDE4 if who == 'outside' else attachment(*CONTAINERS[who]).addresses[0].partition('/')[0]}"
    )
    turned = f"""
        ip route del local 127.0.0.0/8 table local; ip route del local 127.0.0.1 table local
        ip route replace 127.0.0.1 via {gateway} dev {interface} src {address}
    """
    subprocess.run(
        ["nsenter", f"--net={town.path(who)}", "sh", "-c", turned], check=True, capture_output=True
    )
    back = """
        ip route del 127.0.0.1; ip link set lo down; ip link set lo up
        ip route replace local 127.0.0.0/8 dev lo table local
    """
    try:
        assert seen(town, who, "127.0.0.1", port) == ""
    finally:
        subprocess.run(["nsenter", f"--net={town.path(who)}", "sh", "-c", back], check=True)


def test_rules_come_back_after_a_flush(town):
    """Without rules, nothing is reachable; after loading again, everything is, including open connections."""
    town.host(nft.apply, "flush ruleset")
    assert not town.host(firewall.present)
    assert seen(town, "outside", HOST4, 8080) == ""
    with pytest.raises(NotFound, match="slipway"):
        town.host(firewall.publish, WEB)
    with pytest.raises(NotFound, match="slipway"):
        town.host(firewall.renew, NETWORKS)
    town.host(firewall.withdraw, WEB.container_id)
    town.host(firewall.withdraw, WEB.container_id, known=WEB)
    loaded(town)
    assert town.host(firewall.present)
    assert seen(town, "outside", HOST4, 8080, expected=OUTSIDE4) == OUTSIDE4
    before = town.host(nft.table, "inet", "slipway")
    loaded(town)
    assert len(town.host(nft.table, "inet", "slipway")) == len(before)


@pytest.mark.parametrize(
    "known",
    [None, WEB, WEB._replace(ports=(*PORTS, Port("tcp", "", 9, 9)))],
    ids=["listed", "known", "known-in-part"],
)
def test_the_ports_of_one_container_go(town, known):
    """Withdrawing closes the ports of one container; repeating it and publishing again is idempotent."""
    for _ignored in range(2):
        town.host(firewall.withdraw, WEB.container_id, known=known)
        assert town.host(rules.owned, town.host(nft.table, "inet", "slipway"), WEB.container_id) == []
    assert seen(town, "outside", HOST4, 8080) == ""
    assert seen(town, "outside", HOST4, 8100, expected=OUTSIDE4) == OUTSIDE4
    for _ignored in range(2):
        town.host(firewall.publish, WEB)
        found = town.host(rules.owned, town.host(nft.table, "inet", "slipway"), WEB.container_id)
        assert {*found} == {*rules.elements(WEB)}
    assert seen(town, "outside", HOST4, 8080, expected=OUTSIDE4) == OUTSIDE4


def test_ports_change_in_one_step(town):
    """Changed ports of a container replace its former ones."""
    new = WEB._replace(ports=(Port("tcp", "", 8080, 81),))
    town.host(firewall.publish, new, former=WEB)
    owned = town.host(rules.owned, town.host(nft.table, "inet", "slipway"), WEB.container_id)
    assert {*owned} == {*rules.elements(new)}
    town.host(firewall.publish, WEB, former=new)
    assert seen(town, "outside", HOST4, 8080, expected=OUTSIDE4) == OUTSIDE4


def test_what_an_earlier_life_left_makes_way(town):
    """A port that leads to a former address of a container leads to the new one."""
    stale = WEB._replace(addresses=("10.99.1.77", "fd99:1::77"))
    town.host(firewall.withdraw, WEB.container_id)
    town.host(firewall.publish, stale)
    town.host(firewall.withdraw, WEB.container_id, known=WEB)
    town.host(firewall.publish, stale)
    town.host(firewall.publish, WEB)
    owned = town.host(rules.owned, town.host(nft.table, "inet", "slipway"), WEB.container_id)
    assert {*owned} == {*rules.elements(WEB)}


def test_a_client_that_does_not_stop_sending_is_led_to_the_new_address(town):
    """A client that keeps sending datagrams reaches the container as soon as it is published."""

    def answered() -> str:
        sending.sendto(b"?", (HOST4, 8080))
        try:
            return sending.recv(100).decode()
        except TimeoutError:
            return ""

    elsewhere = WEB._replace(addresses=("10.99.1.77",))
    with town.within("outside", lambda: bound(OUTSIDE4)) as sending:
        town.host(firewall.withdraw, WEB.container_id)
        assert answered() == ""
        town.host(firewall.publish, elsewhere)
        assert answered() == ""
        town.host(firewall.publish, WEB, former=elsewhere)
        assert eventually(answered, "an answer").endswith(OUTSIDE4)
        town.host(nft.apply, "flush ruleset")
        town.host(firewall.load, NETWORKS, [elsewhere])
        assert answered() == ""
        loaded(town)
        assert eventually(answered, "an answer").endswith(OUTSIDE4)


def test_a_container_does_not_pass_for_the_host(town):
    """A datagram from 127.0.0.1 that arrives on a bridge does not reach the host's servers."""
    town.within("peer", lambda: sysctl.ensure(sysctl.of_interface(4, "eth0", "route_localnet"), "1"))
    with town.host(bound, "0.0.0.0") as serving:
        for source, arrives in ((address("peer", 4), True), ("127.0.0.1", False)):
            with town.within("peer", lambda source=source: bound(source)) as sending:
                sending.sendto(source.encode(), (GATEWAY4, serving.getsockname()[1]))
            if arrives:
                assert serving.recv(100).decode() == source
            else:
                with pytest.raises(TimeoutError):
                    serving.recv(100)


def test_engines_live_side_by_side(town):
    """Another engine has its own table, whose removal does not affect the first engine."""
    table = rules.table_of("/srv/other")
    apart = publication("other", Port("tcp", "", 8200, 80))
    town.host(firewall.load, [OTHER], [apart], table=table)
    for port in (8080, 8200):
        assert seen(town, "outside", HOST4, port, expected=OUTSIDE4) == OUTSIDE4
    for _ignored in range(2):
        town.host(firewall.remove, table=table)
    assert seen(town, "outside", HOST4, 8200) == ""
    assert seen(town, "outside", HOST4, 8080, expected=OUTSIDE4) == OUTSIDE4


def test_networks_are_renewed_without_the_ports(town):
    """Networks are added and removed while published ports stay."""
    town.host(firewall.renew, [PLAIN])
    assert seen(town, "peer", address("strict", 4), 80, expected="?") != ""
    assert seen(town, "outside", HOST4, 8080, expected=OUTSIDE4) == OUTSIDE4
    town.host(firewall.renew, NETWORKS)
    assert seen(town, "peer", address("strict", 4), 80) == ""


@pytest.mark.parametrize(
    "case", [case for case in ASKED if case[3]], ids=lambda case: f"{case[0]}-{case[1]}-{case[2]}"
)
def test_where_bridged_frames_are_filtered_too(town, case):
    """With br_netfilter, everything is reachable in the same way, except ::1, which is refused immediately."""
    who, where, port, sees = case
    for name in ("iptables", "ip6tables"):
        town.host(sysctl.ensure, f"net/bridge/bridge-nf-call-{name}", "1")
    loaded(town)
    try:
        town.attach("web", PLAIN, attachment(PLAIN, 2))
        sees = "" if where == "::1" and port != 71 else sees
        assert seen(town, who, where, port, expected=sees) == sees
        if where == "::1" and port != 71:
            with pytest.raises(ConnectionRefusedError):
                town.host(socket.create_connection, ("::1", port), timeout=LATE)
    finally:
        for name in ("iptables", "ip6tables"):
            town.host(sysctl.ensure, f"net/bridge/bridge-nf-call-{name}", "0")
        loaded(town)
