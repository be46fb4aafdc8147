# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with networks of each kind, containers in them and published ports, and who reaches what."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from _engine.kernel.net import sysctl
from _engine.model.network.wiring import Port, Publication
from _engine.network import bridge, firewall
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


@contextmanager
def opened(lab: Lab) -> Iterator[Lab]:
    """Give the lab with all networks, and a server on port 80 in each container and on some of the host and outside."""
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

#: Whose datagrams arrive at whom.
PASSES = [
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
]


def passes(lab: Lab, who: str, to: str, version: int, *, expected: bool) -> bool:
    """Return whether a datagram passes from one container to another, which is awaited only shortly if none is expected."""
    with (
        lab.within(to, lambda: bound(address(to, version))) as receiving,
        lab.within(who, lambda: bound(address(who, version))) as sending,
    ):
        receiving.settimeout(LATE if expected else LOST)
        sending.sendto(b"?", receiving.getsockname()[:2])
        try:
            return receiving.recv(1) == b"?"
        except TimeoutError:
            return False
