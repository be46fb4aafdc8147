# SPDX-License-Identifier: GPL-3.0-or-later
"""Publish ports and separate networks, looked at from everywhere."""

from __future__ import annotations

import socket
import subprocess
from contextlib import ExitStack

import pytest

from _engine.errors import NotFound
from _engine.kernel.net import nft, sysctl
from _engine.model.network.wiring import Port, Publication
from _engine.network import bridge, firewall
from enginehost import eventually
from netlab import HOST4, HOST6, LATE, LOST, OUTSIDE4, OUTSIDE6, Lab, attachment, plain, record

PLAIN, OTHER, CLOSED, ONE, TWO, STRICT = NETWORKS = (
    record("plain", 1),
    record("other", 2),
    record("closed", 3, internal=True),
    record("one", 4, options={"isolate": "true"}),
    record("two", 5, options={"isolate": "true"}),
    record("strict", 6, options={"isolate": "strict"}),
)
#: Containers by name, as network and number there.
CONTAINERS = {
    "web": (PLAIN, 2),
    "peer": (PLAIN, 3),
    "other": (OTHER, 2),
    "closed": (CLOSED, 2),
    "closed2": (CLOSED, 3),
    "one": (ONE, 2),
    "two": (TWO, 2),
    "strict": (STRICT, 2),
}
GATEWAY4, GATEWAY6 = (subnet.gateway for subnet in PLAIN.subnets)
PORTS = (
    Port("tcp", "", 8080, 80),
    Port("udp", "", 8080, 80),
    Port("tcp", "127.0.0.1", 8081, 80),
    Port("tcp", HOST4, 8082, 80),
    Port("tcp", HOST6, 8083, 80),
    Port("tcp", "0.0.0.0", 8084, 80),
    Port("tcp", "::", 8085, 80),
    Port("tcp", "::1", 8086, 80),
    Port("tcp", "", 8090, 80, 3),
)


def address(name: str, version: int) -> str:
    """Return the address of a container."""
    return plain(attachment(*CONTAINERS[name]).addresses[version == 6])


def publication(name: str, *ports: Port) -> Publication:
    """Return ports that lead to a container."""
    return Publication(name.ljust(64, "0"), (address(name, 4), address(name, 6)), ports)


WEB = publication("web", *PORTS)
PUBLISHED = (WEB, publication("one", Port("tcp", "", 8100, 80)))


def loaded(lab: Lab) -> None:
    """Write the rules of all networks and ports."""
    lab.host(firewall.load, NETWORKS, PUBLISHED)


@pytest.fixture(scope="module")
def town(lab):
    """Return the lab with all networks, and a server on port 80 in each container and on some of the host and outside."""
    for name in ("iptables", "ip6tables"):  # as on a host without br_netfilter
        lab.host(sysctl.ensure, f"net/bridge/bridge-nf-call-{name}", "0")
    for network in NETWORKS:
        lab.host(bridge.ensure, network)
    for name, (network, number) in CONTAINERS.items():
        # With routes that a closed network does not have, it is the rules that close it.
        gateways = tuple(subnet.gateway for subnet in network.subnets)
        lab.attach(name, network, attachment(network, number, gateways=gateways))
    loaded(lab)
    with ExitStack() as stack:
        for name in CONTAINERS:
            stack.enter_context(lab.serving(name, "::", 80))
        stack.enter_context(lab.serving("web", "::", 80, "udp"))
        for port in (81, 82):
            stack.enter_context(lab.serving("web", "::", port))
        stack.enter_context(lab.serving("outside", "::", 70))
        stack.enter_context(lab.serving("host", "127.0.0.1", 71))
        stack.enter_context(lab.serving("host", "::1", 71))
        yield lab


def bound(source: str) -> socket.socket:
    """Return a socket for datagrams that waits for an answer only shortly."""
    made = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((source, 0))
    made.settimeout(LOST)
    return made


def seen(lab: Lab, who: str, where: str, port: int, protocol: str = "tcp", *, expected: str = "") -> str:
    """Return what address the server sees, "" for no answer, which is awaited only shortly if none is expected."""
    found = lab.asked(who, where, port, protocol, wait=10.0 if expected else LOST)
    return found.removeprefix("::ffff:")


ASKED = [
    # who asks, by which address, at which port, and whom the server sees
    ("outside", HOST4, 8080, OUTSIDE4),
    ("outside", HOST6, 8080, OUTSIDE6),
    ("host", HOST4, 8080, HOST4),
    ("host", HOST6, 8080, HOST6),
    ("host", "127.0.0.1", 8080, GATEWAY4),
    ("host", "127.9.9.9", 8080, GATEWAY4),
    ("host", "::1", 8080, GATEWAY6),
    ("peer", HOST4, 8080, GATEWAY4),
    ("peer", HOST6, 8080, GATEWAY6),
    ("web", HOST4, 8080, GATEWAY4),
    ("web", HOST6, 8080, GATEWAY6),
    ("web", GATEWAY4, 8080, GATEWAY4),
    ("other", HOST4, 8080, GATEWAY4),
    ("other", HOST6, 8080, GATEWAY6),
    ("host", "127.0.0.1", 8081, GATEWAY4),
    ("outside", HOST4, 8081, ""),
    ("peer", HOST4, 8081, ""),
    ("peer", GATEWAY4, 8081, ""),
    ("outside", HOST4, 8082, OUTSIDE4),
    ("host", "127.0.0.1", 8082, ""),
    ("outside", HOST6, 8083, OUTSIDE6),
    ("outside", HOST4, 8083, ""),
    ("outside", HOST4, 8084, OUTSIDE4),
    ("outside", HOST6, 8084, ""),
    ("outside", HOST6, 8085, OUTSIDE6),
    ("outside", HOST4, 8085, ""),
    ("host", "::1", 8086, GATEWAY6),
    ("outside", HOST6, 8086, ""),
    ("outside", HOST4, 8090, OUTSIDE4),
    ("outside", HOST4, 8091, OUTSIDE4),
    ("outside", HOST4, 8092, OUTSIDE4),
    ("outside", HOST4, 8093, ""),
    ("outside", HOST4, 8100, OUTSIDE4),
    # from containers outwards, and to what the host has on its own
    ("peer", OUTSIDE4, 70, HOST4),
    ("peer", OUTSIDE6, 70, HOST6),
    ("closed", OUTSIDE4, 70, ""),
    ("host", "127.0.0.1", 71, "127.0.0.1"),
    ("host", "::1", 71, "::1"),
    # between containers
    ("peer", address("web", 4), 80, address("peer", 4)),
    ("peer", address("web", 6), 80, address("peer", 6)),
    ("other", address("web", 4), 80, GATEWAY4),
    ("host", address("closed", 4), 80, CLOSED.subnets[0].gateway),
    ("closed2", address("closed", 4), 80, address("closed2", 4)),
    ("peer", address("closed", 4), 80, ""),
    ("one", address("two", 4), 80, ""),
    ("one", address("two", 6), 80, ""),
    ("one", address("web", 4), 80, GATEWAY4),
    ("peer", address("one", 4), 80, ONE.subnets[0].gateway),
    ("strict", address("web", 4), 80, ""),
    ("peer", address("strict", 4), 80, ""),
    ("one", address("strict", 4), 80, ""),
]


@pytest.mark.parametrize(
    ("who", "where", "port", "sees"), ASKED, ids=[f"{case[0]}-{case[1]}-{case[2]}" for case in ASKED]
)
def test_who_reaches_what(town, who, where, port, sees):
    """Who may reach a port does, and is seen by his own address wherever the answer finds its way back; nobody else does."""
    assert seen(town, who, where, port, expected=sees) == sees


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(
    ("who", "to", "arrives"),
    [
        ("peer", "web", True),
        ("peer", "other", True),
        ("peer", "one", True),
        ("one", "peer", True),
        ("closed", "closed2", True),
        ("one", "two", False),
        ("two", "one", False),
        ("peer", "closed", False),
        ("closed", "peer", False),
        ("peer", "strict", False),
        ("strict", "peer", False),
    ],
)
def test_what_passes_between_networks(town, who, to, arrives, version):
    """A datagram passes between two networks or does not, in each direction for itself."""
    with (
        town.within(to, lambda: bound(address(to, version))) as receiving,
        town.within(who, lambda: bound(address(who, version))) as sending,
    ):
        receiving.settimeout(LATE if arrives else LOST)
        sending.sendto(b"?", receiving.getsockname()[:2])
        if arrives:
            assert receiving.recv(1) == b"?"
        else:
            with pytest.raises(TimeoutError):
                receiving.recv(1)


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
    """A published UDP port is reached as a TCP one is, and its answer comes from the address that was asked."""
    assert seen(town, who, where, 8080, "udp", expected=sees) == sees


@pytest.mark.parametrize(
    ("who", "gateway"), [("outside", HOST4), ("peer", GATEWAY4)], ids=["outside", "container"]
)
@pytest.mark.parametrize("port", [8080, 8081, 71])
def test_nobody_else_reaches_127_0_0_1(town, who, gateway, port):
    """A neighbour who routes 127.0.0.1 to the host reaches neither a port published there nor what the host serves there."""
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
    """With all rules flushed nothing is reached; loaded again all is as before, for connections that go on too."""
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
    """Withdrawn, the ports of a container are closed, those of others stay; repeated, and published again, it is the same."""
    for _ignored in range(2):
        town.host(firewall.withdraw, WEB.container_id, known=known)
        assert (
            town.host(firewall.rules.owned, town.host(nft.table, "inet", "slipway"), WEB.container_id) == []
        )
    assert seen(town, "outside", HOST4, 8080) == ""
    assert seen(town, "outside", HOST4, 8100, expected=OUTSIDE4) == OUTSIDE4
    for _ignored in range(2):
        town.host(firewall.publish, WEB)
        found = town.host(firewall.rules.owned, town.host(nft.table, "inet", "slipway"), WEB.container_id)
        assert {*found} == {*firewall.rules.elements(WEB)}
    assert seen(town, "outside", HOST4, 8080, expected=OUTSIDE4) == OUTSIDE4


def test_ports_change_in_one_step(town):
    """Ports of a container that change take the place of its former ones."""
    new = WEB._replace(ports=(Port("tcp", "", 8080, 81),))
    town.host(firewall.publish, new, former=WEB)
    owned = town.host(firewall.rules.owned, town.host(nft.table, "inet", "slipway"), WEB.container_id)
    assert {*owned} == {*firewall.rules.elements(new)}
    town.host(firewall.publish, WEB, former=new)
    assert seen(town, "outside", HOST4, 8080, expected=OUTSIDE4) == OUTSIDE4


def test_what_an_earlier_life_left_makes_way(town):
    """A port that leads to an address of an earlier life leads to the new one."""
    stale = WEB._replace(addresses=("10.99.1.77", "fd99:1::77"))
    town.host(firewall.withdraw, WEB.container_id)
    town.host(firewall.publish, stale)
    town.host(firewall.withdraw, WEB.container_id, known=WEB)
    town.host(firewall.publish, stale)
    town.host(firewall.publish, WEB)
    owned = town.host(firewall.rules.owned, town.host(nft.table, "inet", "slipway"), WEB.container_id)
    assert {*owned} == {*firewall.rules.elements(WEB)}


def test_a_client_that_does_not_stop_sending_is_led_to_the_new_address(town):
    """A client whose datagrams found no port, or one that led elsewhere, reaches the container as soon as it is published."""

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
    """A datagram from 127.0.0.1 that comes in on a bridge does not reach what the host serves."""
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
    """Another engine's table holds its own ports, and goes without touching ours."""
    table = firewall.rules.table_of("/srv/other")
    apart = publication("other", Port("tcp", "", 8200, 80))
    town.host(firewall.load, [OTHER], [apart], table=table)
    for port in (8080, 8200):
        assert seen(town, "outside", HOST4, port, expected=OUTSIDE4) == OUTSIDE4
    for _ignored in range(2):
        town.host(firewall.remove, table=table)
    assert seen(town, "outside", HOST4, 8200) == ""
    assert seen(town, "outside", HOST4, 8080, expected=OUTSIDE4) == OUTSIDE4


def test_networks_are_renewed_without_the_ports(town):
    """Networks come and go in the rules while published ports stay."""
    town.host(firewall.renew, [PLAIN])
    assert seen(town, "peer", address("strict", 4), 80, expected="?") != ""
    assert seen(town, "outside", HOST4, 8080, expected=OUTSIDE4) == OUTSIDE4
    town.host(firewall.renew, NETWORKS)
    assert seen(town, "peer", address("strict", 4), 80) == ""


@pytest.mark.parametrize(
    "case", [case for case in ASKED if case[3]], ids=lambda case: f"{case[0]}-{case[1]}-{case[2]}"
)
def test_where_bridged_frames_are_filtered_too(town, case):
    """With br_netfilter all is reached in the same way, but for ::1, which is refused at once."""
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
