# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with containers and a client outside, each a network namespace: the machine's own network is never touched."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from _engine.kernel import libc
from _engine.kernel.net import addresses, links, netns
from _engine.kernel.net.netlink import Netlink
from _engine.model.network.spec import NetworkRecord, NetworkSpec, Subnet
from _engine.model.network.wiring import Attachment
from _engine.network import bridge

HOST4, OUTSIDE4 = "192.0.2.1", "192.0.2.9"
HOST6, OUTSIDE6 = "2001:db8::1", "2001:db8::9"
#: Seconds until a packet that is dropped counts as lost, and one that arrives late does not.
LOST, LATE = 0.15, 10.0

_KINDS = {
    "tcp": (socket.SOCK_STREAM, 0),
    "udp": (socket.SOCK_DGRAM, 0),
    "sctp": (socket.SOCK_STREAM, 132),
}


@contextmanager
def own_network() -> Iterator[None]:
    """Give the thread, and what it starts, a network namespace of its own with a loopback device."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    libc.unshare(libc.CLONE_NEWNET)
    try:
        with Netlink() as netlink:
            [loopback] = links.find(netlink, "lo")
            netlink.ask(links.change(loopback, up=True))
        yield
    finally:
        libc.setns(before, libc.CLONE_NEWNET)
        os.close(before)


class Lab:
    """Namespaces by name, in one directory; ``host`` and ``outside`` are on one link."""

    def __init__(self, place: Path) -> None:
        self.place = place
        for name in ("host", "outside"):
            self.add(name)
        with open(self.path("outside")) as other, Netlink(self.path("host")) as netlink:
            netlink.ask(links.veth("up0", "eth0", peer_mac="02:00:00:00:00:99", netns_fd=other.fileno()))
        self.configure("host", "up0", f"{HOST4}/24", f"{HOST6}/64")
        self.configure("outside", "eth0", f"{OUTSIDE4}/24", f"{OUTSIDE6}/64")

    def path(self, name: str) -> str:
        """Return the path of a namespace."""
        return str(self.place / name)

    def add(self, name: str) -> str:
        """Make a namespace and return its path."""
        netns.pin(self.path(name))
        return self.path(name)

    def within(self, name: str, act: Callable[[], Any]) -> Any:
        """Call something in a namespace."""
        return netns.call(self.path(name), act)

    def host(self, act: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Call something on the host."""
        return self.within("host", lambda: act(*arguments, **named))

    def configure(self, name: str, interface: str, *wanted: str, gateways: tuple[str, ...] = ()) -> None:
        """Bring an interface and lo up, with addresses and default routes."""
        with Netlink(self.path(name)) as netlink:
            link, loopback = links.find(netlink, interface, "lo")
            netlink.batch(
                [
                    links.change(loopback, up=True),
                    links.change(link, up=True),
                    *(addresses.add(link.ifindex, address) for address in wanted),
                ]
            )
            for gateway in gateways:
                everything = "::/0" if ":" in gateway else "0.0.0.0/0"
                netlink.ask(addresses.add_route(link.ifindex, everything, gateway))

    def attach(self, name: str, record: NetworkRecord, attachment: Attachment) -> None:
        """Attach a container, which is made if it is new, to a network."""
        if not netns.is_pinned(self.path(name)):
            self.add(name)
        self.host(bridge.attach, record, self.path(name), attachment)

    def close(self) -> None:
        """Let go of all namespaces, and with them of all that is in them."""
        for file in self.place.iterdir():
            netns.unpin(str(file))

    @contextmanager
    def serving(self, name: str, address: str, port: int, protocol: str = "tcp") -> Iterator[None]:
        """Answer each who connects, or sends a datagram, with the address that he is seen to have."""
        listening = self.within(name, lambda: _listening(address, port, protocol))
        pid = os.fork()
        if pid == 0:
            _answer_all(listening, protocol)
        listening.close()
        try:
            yield
        finally:
            os.kill(pid, 9)
            os.waitpid(pid, 0)

    def asked(self, name: str, address: str, port: int, protocol: str = "tcp", *, wait: float = LATE) -> str:
        """Return from what address a server has seen a client of this namespace, "" when there is no answer."""
        return self.within(name, lambda: _asked(address, port, protocol, wait))


def record(
    name: str, number: int, *, subnets: tuple[Subnet, ...] | None = None, **options: Any
) -> NetworkRecord:
    """Return a network with the id, interface and subnets of a number."""
    subnets = subnets or (
        Subnet(f"10.99.{number}.0/24", f"10.99.{number}.1"),
        Subnet(f"fd99:{number}::/64", f"fd99:{number}::1"),
    )
    spec = NetworkSpec(name, **options)
    return NetworkRecord(f"{number:08x}" + "ab" * 28, spec, f"sw-{number:08x}", subnets, 0)


def attachment(network: NetworkRecord, number: int, **changes: Any) -> Attachment:
    """Return what gives a container the addresses of a number in a network."""
    found = Attachment(
        network.id,
        "eth0",
        f"v{network.id[5:8]}{number}",
        f"02:00:00:00:{int(network.id[:8], 16):02x}:{number:02x}",
        tuple(
            f"{subnet.gateway[:-1]}{number}/{subnet.subnet.partition('/')[2]}" for subnet in network.subnets
        ),
        () if network.spec.internal else tuple(subnet.gateway for subnet in network.subnets),
    )
    return found._replace(**changes)


def plain(item: str) -> str:
    """Return an address without its prefix length."""
    return item.partition("/")[0]


def _listening(address: str, port: int, protocol: str) -> socket.socket:
    kind, number = _KINDS[protocol]
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind, number)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    if kind == socket.SOCK_STREAM:
        made.listen()
    return made


def _answer_all(listening: socket.socket, protocol: str) -> None:
    try:
        while True:
            if protocol == "udp":
                _data, peer = listening.recvfrom(16)
                listening.sendto(peer[0].encode(), peer)
            else:
                connection, peer = listening.accept()
                with connection:
                    connection.sendall(peer[0].encode())
    finally:
        os._exit(1)


def _asked(address: str, port: int, protocol: str, wait: float) -> str:
    kind, number = _KINDS[protocol]
    with ExitStack() as stack:
        made = stack.enter_context(
            socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind, number)
        )
        made.settimeout(wait)
        try:
            made.connect((address, port))
            if protocol == "udp":
                made.send(b"?")
            return made.recv(100).decode()
        except OSError:
            return ""
