# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse published and exposed ports.

Sources: podman-run(1) ``--publish`` and ``--expose``; libpod's specgenutil.CreatePortBindings. The canonical form is a string
in the same grammar, ``[ADDRESS:]HOST:CONTAINER/PROTOCOL``, without HOST if the engine chooses the port.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any, Optional

from ...errors import InvalidOption
from ..values.text import decimal, plain_text
from .wiring import SCTP, TCP, UDP, Port

PROTOCOLS = (TCP, UDP, SCTP)
_HIGHEST = 65535
_SHAPE = "Write [ADDRESS:][HOST_PORT:]CONTAINER_PORT[/PROTOCOL], as in 8080:80, 127.0.0.1:53:53/udp or [::1]:8000-8005:80-85"
_EXPOSED = "Write a port or a range, with or without a protocol, as in 80, 8000-8005 or 53/udp"


def parse_published(option: str, value: Any) -> tuple[str, ...]:
    """Parse published ports into canonical form, sorted and unique. Raises InvalidOption, also if two collide."""
    texts = value if isinstance(value, (list, tuple)) else [value]
    ports = sorted({port for text in texts for port in _published(option, plain_text(option, text))})
    for one, other in combinations(ports, 2):
        if collide(one, other):
            raise InvalidOption(
                option,
                written(other),
                f"publishes the same host port as {written(one)}",
                remedy="Publish each on its own host port",
            )
    return tuple(written(port) for port in ports)


def parse_exposed(option: str, value: Any) -> tuple[str, ...]:
    """Parse exposed ports into canonical form, as in ``80/tcp``, sorted. Raises InvalidOption."""
    texts = value if isinstance(value, (list, tuple)) else [value]
    found = set()
    for text in texts:
        ports, protocols = _protocols(option, plain_text(option, text), _EXPOSED)
        first, last = _range(option, ports, text, _EXPOSED)
        found |= {f"{_span(first, last - first + 1)}/{protocol}" for protocol in protocols}
    return tuple(sorted(found))


def published(texts: Iterable[str]) -> tuple[Port, ...]:
    """Return the ports in the result of ``parse_published``; ``host_port`` 0 means that the engine chooses the port."""
    return tuple(port for text in texts for port in _published("publish", text))


def exposed(texts: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Return each port in the result of ``parse_exposed`` as (protocol, number)."""
    found = []
    for text in texts:
        ports, protocols = _protocols("expose", text, _EXPOSED)
        first, last = _range("expose", ports, text, _EXPOSED)
        found += [(protocol, number) for protocol in protocols for number in range(first, last + 1)]
    return tuple(found)


def written(port: Port) -> str:
    """Return a port in canonical form."""
    address = f"[{port.host_ip}]:" if ":" in port.host_ip else f"{port.host_ip}:" if port.host_ip else ""
    host = _span(port.host_port, port.count) if port.host_port else ""
    container = _span(port.container_port, port.count)
    middle = f"{host}:" if host or address else ""
    return f"{address}{middle}{container}/{port.protocol}"


def singly(ports: Iterable[Port]) -> Iterator[Port]:
    """Split ranges into single ports."""
    for port in ports:
        for offset in range(port.count):
            host = port.host_port + offset if port.host_port else 0
            yield Port(port.protocol, port.host_ip, host, port.container_port + offset)


def collide(one: Port, other: Port) -> bool:
    """Return whether two ranges publish the same host port at overlapping addresses."""
    if one.protocol != other.protocol or not (one.host_port and other.host_port):
        return False
    apart = one.host_port + one.count <= other.host_port or other.host_port + other.count <= one.host_port
    return not apart and same_place(one.host_ip, other.host_ip)


def same_place(one: str, other: str) -> bool:
    """Return whether sockets at two addresses conflict: "" is any address, 0.0.0.0 and :: are any of their IP version."""
    import ipaddress  # needed only if an address is named

    if "" in (one, other):
        return True
    of_one, of_other = ipaddress.ip_address(one), ipaddress.ip_address(other)
    if of_one.version != of_other.version:
        return False
    return of_one == of_other or of_one.is_unspecified or of_other.is_unspecified


def _published(option: str, text: str) -> list[Port]:
    rest, protocols = _protocols(option, text, _SHAPE)
    written_address, host, container = _parts(option, rest, text)
    first, last = _range(option, container, text, _SHAPE)
    count = last - first + 1
    begin = 0
    if host:
        begin, end = _range(option, host, text, _SHAPE)
        if end - begin + 1 != count:
            raise InvalidOption(
                option, text, "has ranges of different lengths", remedy="Write ranges of equal length"
            )
    address = "" if written_address is None else _address(option, written_address, text)
    return [Port(protocol, address, begin, first, count) for protocol in protocols]


def _protocols(option: str, text: str, remedy: str) -> tuple[str, list[str]]:
    """Split off the protocols, by default tcp."""
    rest, slash, names = text.partition("/")
    found = names.lower().split(",") if slash else [TCP]
    unknown = next((name for name in found if name not in PROTOCOLS), None)
    if unknown is not None:
        raise InvalidOption(
            option,
            text,
            f"has the unknown protocol {unknown!r}",
            remedy=f"Known: {', '.join(PROTOCOLS)}. {remedy}",
        )
    return rest, found


def _parts(option: str, rest: str, text: str) -> tuple[Optional[str], str, str]:
    """Return the address (None: not written), the host's port and the container's port."""
    if rest.startswith("["):
        inside, bracket, after = rest[1:].partition("]")
        parts = after.split(":")
        if not bracket or len(parts) != 3 or parts[0]:
            raise InvalidOption(option, text, "is not a port to publish", remedy=_SHAPE)
        return inside, parts[1], parts[2]
    parts = rest.split(":")
    if len(parts) > 3:
        raise InvalidOption(
            option, text, "has too many colons", remedy=f"Put an IPv6 address in brackets. {_SHAPE}"
        )
    address = parts[0] if len(parts) == 3 else None
    return address, parts[-2] if len(parts) > 1 else "", parts[-1]


def _address(option: str, address: str, text: str) -> str:
    import ipaddress  # needed only if an address is named

    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        raise InvalidOption(
            option, text, f"has {address!r}, which is not an IP address", remedy=_SHAPE
        ) from None


def _range(option: str, ports: str, text: str, remedy: str) -> tuple[int, int]:
    """Return the first and last port of ``N`` or ``N-M``."""
    begin, dash, end = ports.partition("-")
    first = decimal(begin, most=_HIGHEST)
    last = decimal(end, most=_HIGHEST) if dash else first
    if not first or not last:
        raise InvalidOption(
            option, text, f"has {ports!r}, which is not a port", remedy=f"Ports are 1 to {_HIGHEST}. {remedy}"
        )
    if last < first:
        raise InvalidOption(option, text, "has a range that ends before it begins", remedy=remedy)
    return first, last


def _span(first: int, count: int) -> str:
    return f"{first}-{first + count - 1}" if count > 1 else str(first)
