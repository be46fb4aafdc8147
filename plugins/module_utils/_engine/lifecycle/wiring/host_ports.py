# SPDX-License-Identifier: GPL-3.0-or-later
"""Find free ports of the host, and reserve those of a container.

A port is reserved by a socket that is bound and never listens (seed ``bindPorts``). The sockets of a container are queued in
one more socket (kernel/net/parked.py), which conmon inherits: so no other program of the host can bind the ports while the
container runs, and they can be exchanged meanwhile. The firewall redirects the packets before such a socket would see them.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress

from ...errors import InUse, InvalidOption
from ...kernel.net import parked
from ...kernel.process import Process
from ...model.network import ports as grammar
from ...model.network.wiring import SCTP, TCP, UDP, Port
from ...network import aardvark

_KINDS = {TCP: (socket.SOCK_STREAM, 6), UDP: (socket.SOCK_DGRAM, 17), SCTP: (socket.SOCK_STREAM, 132)}
#: A protocol, an address of the host, and a port.
_Place = tuple[str, str, int]
#: The files of /proc/net by protocol (proc_net(5)); that of sctp has another format.
_TABLES = {TCP: ("tcp", "tcp6"), UDP: ("udp", "udp6")}
#: Attempts to find a free port; each asks the kernel for one.
_TRIES = 100
_LISTEN = "0A"
#: Any address of the host, of each IP version.
_ANY = ("0.0.0.0", "::")  # noqa: S104  (it is what the user asks for)


def bind(ports: Iterable[Port], stack: ExitStack) -> list[socket.socket]:
    """Return sockets bound to the ports; the stack closes them.

    Raises InUse for a port that a program uses, InvalidOption for an address that the host does not have.
    """
    found = []
    for port in ports:
        for address in _addresses(port):
            with suppress(_Unsupported):
                found.append(stack.enter_context(_bound(port, address)))
    return found


def hold(ports: Iterable[Port]) -> socket.socket:
    """Return a socket that reserves the ports while any process has it open. Raises what ``bind`` raises."""
    made = parked.made()
    try:
        _exchange(made, ports)
    except BaseException:  # an interrupt must not leave it open either
        made.close()
        raise
    return made


def hold_instead(monitor: Process, ports: Sequence[Port]) -> bool:
    """Replace the ports that a process reserves by the socket of ``hold``. Raises what ``bind`` raises.

    Returns False, with nothing changed, if the kernel denies access to the socket, or if an old engine passed none.
    """
    with parked.found(monitor) as held:
        if held is not None:
            _exchange(held, ports)
    return held is not None


def _exchange(held: socket.socket, ports: Iterable[Port]) -> None:
    wanted = {
        (port.protocol, address, port.host_port): port for port in ports for address in _addresses(port)
    }
    seen: set[_Place] = set()

    def is_wanted(one: socket.socket) -> bool:
        place = _place(one)
        found = place in wanted and place not in seen
        seen.add(place)
        return found

    def missing() -> Iterator[socket.socket]:
        for place, port in wanted.items():
            with suppress(_Unsupported):
                if place not in seen:
                    yield _bound(port, place[1])

    parked.sift(held, is_wanted, missing())


def _place(bound: socket.socket) -> _Place:
    protocol = next(name for name, (_type, number) in _KINDS.items() if number == bound.proto)
    address, port = bound.getsockname()[:2]
    return protocol, address, port


def check(ports: Iterable[Port]) -> None:
    """Check that the ports are free. Raises InUse, and InvalidOption for an address not of this host."""
    with ExitStack() as stack:
        bind(ports, stack)


def unused(port: Port, taken: Sequence[Port]) -> Port:
    """Return the port with a free host port that collides with none of ``taken``. Raises InUse."""
    for _try in range(_TRIES):
        with ExitStack() as stack:
            asked = port._replace(host_ip=port.host_ip or _ANY[0], host_port=0)
            # If the kernel lacks the protocol, all its ports are free: take one that is free for TCP.
            first = next(iter(bind([asked], stack) or bind([asked._replace(protocol=TCP)], stack)))
            candidate = port._replace(host_port=first.getsockname()[1])
        if any(grammar.collide(candidate, other) for other in taken):
            continue
        with suppress(InUse):
            check([candidate])
            return candidate
    raise InUse("publish: no port of the host is free", remedy="Set a port of the host in publish", users=[])


class _Unsupported(Exception):
    """The host lacks the protocol, or IPv6, so no program can use the port."""


def _addresses(port: Port) -> tuple[str, ...]:
    return (port.host_ip,) if port.host_ip else _ANY


def _bound(port: Port, address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind, protocol = _KINDS[port.protocol]
    try:
        made = socket.socket(family, kind | socket.SOCK_CLOEXEC, protocol)
    except OSError as error:
        if error.errno in (errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT):
            raise _Unsupported from None
        raise
    try:
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        _bind(made, port, address)
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRNOTAVAIL and not port.host_ip:
            raise _Unsupported from None  # IPv6 is disabled
        raise _refusal(port, address, error) from None
    return made


def _bind(made: socket.socket, port: Port, address: str) -> None:
    try:
        made.bind((address, port.host_port))
    except OSError as error:
        # If only closing connections use the port, SO_REUSEADDR helps. It is not set from the start, because then the bind
        # would also succeed next to a server that sets it (socket(7)).
        if error.errno != errno.EADDRINUSE or port.protocol != TCP or holder(port):
            raise
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port.host_port))


def _refusal(port: Port, address: str, error: OSError) -> Exception:
    text = grammar.written(port)
    if error.errno == errno.EADDRNOTAVAIL:
        return InvalidOption(
            "publish",
            text,
            f"has {address}, which is not an address of this host",
            remedy="Choose one from `ip address`",
        )
    if error.errno != errno.EADDRINUSE:
        return error
    owner = holder(port)
    who = f"by {owner}" if owner else "by another program"
    remedy = "Stop that program, or publish another port"
    if owner.startswith(f"{aardvark.PROGRAM} "):  # it must not be stopped: containers ask it for names
        remedy = "Publish the port at one address of the host, as in 192.0.2.7:53:53/udp; that program serves the names"
        remedy += " of containers at the gateways of networks"
    return InUse(
        f"publish: port {port.host_port}/{port.protocol} of the host is in use {who}",
        remedy=remedy,
        port=port.host_port,
        users=[owner] if owner else [],
    )


def holder(port: Port) -> str:
    """Return the process that uses a port of the host, as in ``nginx (pid 712)``; "" if unknown."""
    inodes = {f"socket:[{inode}]" for name in _TABLES.get(port.protocol, ()) for inode in _inodes(name, port)}
    if not inodes:
        return ""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            for fd in os.listdir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    if os.readlink(f"/proc/{pid}/fd/{fd}") in inodes:
                        return f"{_comm(pid)} (pid {pid})"
    return ""


def _inodes(name: str, port: Port) -> Iterable[str]:
    """Yield the inodes of the sockets at this host port, from a file such as /proc/net/tcp."""
    try:
        with open(f"/proc/net/{name}", encoding="ascii") as stream:
            lines = stream.read().splitlines()[1:]
    except FileNotFoundError:  # no IPv6
        return
    for words in map(str.split, lines):
        listens = port.protocol != TCP or words[3] in (_LISTEN, "07")
        if listens and int(words[1].rpartition(":")[2], 16) == port.host_port:
            yield words[9]


def _comm(pid: str) -> str:
    with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as stream:
        return stream.read().strip()
