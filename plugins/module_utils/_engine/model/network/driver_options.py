# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the options of a network's driver (podman's ``--opt``), and check them against the driver (pure).

Sources: podman-network-create(1), ``--opt``; netavark's documentation of the same options.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ...errors import InvalidOption, NotBuiltYet, Setting, Words
from ..values.names import check_name, near
from ..values.text import absolute_path, decimal, plain_text
from .addresses import LARGEST_METRIC
from .interfaces import check_interface
from .spec import BRIDGE, CNI, IPVLAN, MACVLAN

_OPTION = "opt"
STRICT = "strict"
MANAGED, UNMANAGED = "managed", "unmanaged"

#: The modes of each driver. The first is the default, which is stored as unset.
MODES: Mapping[str, tuple[str, ...]] = {
    BRIDGE: (MANAGED, UNMANAGED),
    MACVLAN: ("bridge", "private", "vepa", "passthru"),
    IPVLAN: ("l2", "l3", "l3s"),
}
_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off", "")


def _number(least: int, most: int) -> Callable[[str, object], str]:
    """Return a parser of numbers; 0 means unset, as in podman."""

    def read(option: str, value: object) -> str:
        number = decimal(plain_text(option, value).strip(), most=most)
        if number is None or 0 < number < least:
            raise InvalidOption(
                option, value, "is out of range", remedy=f"Write a number from {least} to {most}"
            )
        return str(number) if number else ""

    return read


def _truth(option: str, value: object) -> str:
    text = plain_text(option, value).strip().lower()
    if text not in (*_TRUE, *_FALSE):
        raise InvalidOption(option, value, "is not a boolean", remedy="Write true or false")
    return "true" if text in _TRUE else ""


def _isolate(option: str, value: object) -> str:
    return STRICT if plain_text(option, value).strip().lower() == STRICT else _truth(option, value)


def _conflist(option: str, value: object) -> str:
    text = plain_text(option, value)
    return absolute_path(option, text) if "/" in text else check_name(option, text) if text else ""


class _Row(NamedTuple):
    """An option: its parser (which returns the stored text, "" for unset), and the drivers that have it."""

    read: Callable[[str, object], str]
    drivers: tuple[str, ...] = (BRIDGE, MACVLAN, IPVLAN)


_ROWS: Mapping[str, _Row] = {
    # ETH_MIN_MTU and ETH_MAX_MTU of linux/if_ether.h
    "mtu": _Row(_number(68, 65535)),
    "metric": _Row(_number(1, LARGEST_METRIC)),
    "mode": _Row(plain_text),
    "no_default_route": _Row(_truth),
    "vlan": _Row(_number(1, 4094), (BRIDGE,)),
    "isolate": _Row(_isolate, (BRIDGE,)),
    "parent": _Row(check_interface, (MACVLAN, IPVLAN)),
    "conflist": _Row(_conflist, (CNI,)),
}
#: Docker's names of these, and of the name of the bridge.
_ALIASES = {
    "com.docker.network.driver.mtu": "mtu",
    "driver_mtu": "mtu",
    "bridge_name": "com.docker.network.bridge.name",
}
_INTERFACE = "com.docker.network.bridge.name"
#: Further options of netavark.
_LATER = ("vrf", "bclim", "outbound_addr4", "outbound_addr6")
_OF_CONTAINER = ("host_interface_name", "interface_name", "ip", "ip6", "mac", "alias")


class Read(NamedTuple):
    """The options in canonical form, and the interface that they name ("" for none)."""

    options: dict[str, str]
    interface: str = ""


def parse(given: Any) -> Read:
    """Parse a mapping, a list of ``key=value``, or one such string. Raises InvalidOption or NotBuiltYet, naming the word."""
    found: dict[str, str] = {}
    for key, value in _pairs(given):
        name = _ALIASES.get(key, key)
        text = (
            check_interface(f"{_OPTION}.{key}", value)
            if name == _INTERFACE
            else _row(key, name).read(f"{_OPTION}.{key}", value)
        )
        if found.setdefault(name, text) != text:
            raise InvalidOption(
                _OPTION, key, "is set twice, to different values", remedy="Keep one of the two"
            )
    interface = found.pop(_INTERFACE, "")
    return Read({name: text for name, text in sorted(found.items()) if text}, interface)


def same(option: str, value: str, other: str) -> str:
    """Return the value that two options must agree on; the other one may be unset. Raises InvalidOption."""
    if other not in ("", value):
        raise InvalidOption(option, other, f"contradicts {value}", remedy="Keep one of the two")
    return value


def _pairs(given: Any) -> Iterator[tuple[str, object]]:
    """Yield the pairs; null in a mapping means unset."""
    if isinstance(given, Mapping):
        yield from ((str(key), value) for key, value in given.items() if value is not None)
    elif isinstance(given, (str, list, tuple)):
        for item in [given] if isinstance(given, str) else given:
            key, equals, value = plain_text(_OPTION, item).partition("=")
            if not equals:
                raise InvalidOption(_OPTION, item, "has no value", remedy="Write NAME=VALUE")
            yield key.strip(), value
    elif given is not None:
        raise InvalidOption(_OPTION, given, "is not a mapping", remedy="Write it as in {mtu: 1400}")


def _row(key: str, name: str) -> _Row:
    if name in _ROWS:
        return _ROWS[name]
    if key in _LATER:
        message = Words(Setting(f"{_OPTION}.{key}"), ": not implemented")
        raise NotBuiltYet(message, remedy="Leave it out", option=_OPTION, options=[f"{_OPTION}.{key}"])
    if key in _OF_CONTAINER:
        raise InvalidOption(
            _OPTION,
            key,
            "is an option of a single container, not of the network",
            remedy="Write it in the container's network option, as in NAME:ip=192.0.2.5",
        )
    found = near(key, _ROWS)
    hint = f"; near: {', '.join(found)}" if found else ""
    raise InvalidOption(_OPTION, key, f"is not known{hint}", remedy=f"Known: {', '.join(sorted(_ROWS))}")


def settle(driver: str, options: Mapping[str, str]) -> dict[str, str]:
    """Return a driver's options without the default mode. Raises InvalidOption for one that the driver does not have."""
    for name in options:
        if driver not in _ROWS[name].drivers:
            raise InvalidOption(
                _OPTION,
                name,
                f"is not an option of driver {driver}",
                remedy=f"Known: {', '.join(_of(driver))}",
            )
    mode, modes = options.get("mode", ""), MODES.get(driver, ())
    if mode and mode not in modes:
        raise InvalidOption(
            f"{_OPTION}.mode", mode, f"is not a mode of driver {driver}", remedy=f"Known: {', '.join(modes)}"
        )
    usual = ("mode", *modes[:1])
    return {name: text for name, text in options.items() if (name, text) != usual}


def _of(driver: str) -> Iterable[str]:
    return (name for name, row in sorted(_ROWS.items()) if driver in row.drivers)
