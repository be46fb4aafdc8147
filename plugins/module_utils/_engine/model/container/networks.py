# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the networks of a container, and the options of each attachment.

Sources: podman-run(1) ``--network``, ``--ip``, ``--ip6``, ``--mac-address``, ``--network-alias``. The canonical form of option
``network`` is a tuple of strings, ``NAME[:KEY=VALUE,...]`` with sorted keys; an empty tuple means the default network.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, NamedTuple

from ...errors import InvalidOption, Setting, Words
from ...frozen import replace
from ..network.interfaces import check_interface
from ..network.resolver import HOST_GATEWAY
from ..values.names import check_name
from ..values.text import decimal, plain_text
from . import namespaces

#: The default network.
DEFAULT = "slipway"
#: Podman's names of it.
_DEFAULT_WORDS = ("bridge", "private")
_MODES = (namespaces.HOST, namespaces.NONE)
_MAC = re.compile("[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_ALIAS = re.compile(r"[a-zA-Z0-9_]([a-zA-Z0-9_.-]{0,253}[a-zA-Z0-9_])?")
_METRICS = 2**31 - 1
_LOOPBACK = "lo"
#: The options that determine /etc/hosts and /etc/resolv.conf. A container that joins another's network namespace uses that one's.
_OF_FILES = ("dns", "dns_search", "dns_option", "etc_hosts", "no_hosts", "hosts_file")


class Wanted(NamedTuple):
    """A container's requests for a network. ``ips`` has addresses of both IP versions; for "" and (), the engine chooses.

    ``link_local`` is an additional address, "" for none.
    """

    name: str
    ips: tuple[str, ...] = ()
    mac: str = ""
    aliases: tuple[str, ...] = ()
    interface: str = ""
    host_interface: str = ""
    metric: int = 0
    default_route: bool = True
    link_local: str = ""


def parse(option: str, value: Any) -> tuple[str, ...]:
    """Parse option ``network`` into its canonical form. Raises InvalidOption."""
    items = [plain_text(option, item) for item in (value if isinstance(value, (list, tuple)) else [value])]
    texts = tuple(_canonical(option, item) for item in items if item)
    modes = [text for text in texts if is_mode(text)]
    if modes and len(texts) > 1:
        raise InvalidOption(
            option,
            modes[0],
            "cannot be combined with networks",
            remedy="Write only this mode, or only names of networks",
        )
    names = [text.partition(":")[0] for text in texts if not is_mode(text)]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise InvalidOption(option, double, "is named twice", remedy="Name each network once")
    return () if texts == (DEFAULT,) else texts


def is_mode(text: str) -> bool:
    """Return whether a canonical text is a mode and not a network: host, none, container:NAME, ns:PATH."""
    return text in _MODES or namespaces.container(text) is not None or namespaces.path(text) is not None


def has_networks(spec: Any) -> bool:
    """Return whether a spec (ContainerSpec) has networks of the engine, and not a mode."""
    return not (spec.network and is_mode(spec.network[0]))


def wanted(spec: Any) -> tuple[Wanted, ...]:
    """Return the requests of a spec (ContainerSpec) for each of its networks, in order; () if it has a mode.

    ``ip``, ``ip6``, ``link_local_ip`` and ``mac_address`` apply to the first, ``network_aliases`` to all (podman-run(1)).
    """
    texts = spec.network or (DEFAULT,)
    if is_mode(texts[0]):
        return ()
    first, *others = (_decode("network", text) for text in texts)
    ips = tuple(ip for ip in (spec.ip, spec.ip6) if ip)
    link_local = spec.link_local_ip or ""
    first = first._replace(ips=(*first.ips, *ips), mac=spec.mac_address or first.mac, link_local=link_local)
    more = spec.network_aliases or ()
    return tuple(
        one._replace(aliases=tuple(dict.fromkeys((*one.aliases, *more)))) for one in (first, *others)
    )


def without(spec: Any, names: Collection[str]) -> Any:
    """Return a spec (ContainerSpec) without the networks of these names; without any other network, its mode is ``none``.

    The requests for the first network are removed with it, and the published ports with the last network.
    """
    texts = spec.network or (DEFAULT,)
    left = tuple(text for text in texts if text.partition(":")[0] not in names)
    gone = ["ip", "ip6", "mac_address", "link_local_ip"] if texts[:1] != left[:1] else []
    gone += [] if left else ["network_aliases", "publish"]
    changed = dict.fromkeys(gone)
    network = left or (namespaces.NONE,)
    publish_all = spec.publish_all and bool(left)
    return replace(spec, **changed, network=() if network == (DEFAULT,) else network, publish_all=publish_all)


def aliases(spec: Any, network: str) -> tuple[str, ...]:
    """Return the additional names of a container in a network."""
    return next((one.aliases for one in wanted(spec) if one.name == network), ())


def check(spec: Any) -> None:
    """Check that the options of a spec are consistent with its networks. Raises InvalidOption."""
    given = {
        "ip": spec.ip,
        "ip6": spec.ip6,
        "mac_address": spec.mac_address,
        "link_local_ip": spec.link_local_ip,
    }
    given.update(network_aliases=spec.network_aliases, publish=spec.publish, publish_all=spec.publish_all)
    mode = (spec.network or (DEFAULT,))[0]
    told = next((name for name, value in given.items() if value), None)
    if is_mode(mode) and told is not None:
        raise _vain(told, given[told], mode, "Leave it out, or name a network")
    if (other := namespaces.container(mode)) is not None:
        told = next((name for name in _OF_FILES if getattr(spec, name)), None)
        if told is not None:
            raise _vain(told, getattr(spec, told), mode, f"Leave it out, or set it for container {other}")
    if spec.no_hosts and (spec.etc_hosts or spec.hosts_file):
        other = "etc_hosts" if spec.etc_hosts else "hosts_file"
        raise InvalidOption("no_hosts", True, f"contradicts {other}", remedy="Keep one of the two")
    if is_mode(mode) and HOST_GATEWAY in (spec.etc_hosts or {}).values():
        why = Words("has no meaning with ", Setting("network", mode))
        raise InvalidOption("etc_hosts", HOST_GATEWAY, why, remedy="Write an address, or name a network")
    for one in wanted(spec):
        versions = [6 if ":" in ip else 4 for ip in one.ips]
        double = next((version for version in (4, 6) if versions.count(version) > 1), None)
        if double is not None:
            raise InvalidOption(
                "network", one.name, f"has two IPv{double} addresses", remedy="Write one of each IP version"
            )


def _vain(option: str, value: Any, mode: str, remedy: str) -> InvalidOption:
    why = Words("has no effect with ", Setting("network", mode))
    return InvalidOption(option, _plain(value), why, remedy=remedy)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def parse_ip(version: int) -> Any:
    """Return a parser of addresses of this IP version; the canonical form is dotted decimal, or that of RFC 5952."""

    def parse_one(option: str, value: Any) -> str:
        text = plain_text(option, value)
        return _address(option, text, (version,)) if text else ""

    return parse_one


def parse_link_local(option: str, value: Any) -> str:
    """Parse a link-local address of either IP version into canonical form. Raises InvalidOption."""
    import ipaddress  # needed only if an address is named

    text = plain_text(option, value)
    found = _address(option, text, (4, 6)) if text else ""
    if found and not ipaddress.ip_address(found).is_link_local:
        raise InvalidOption(
            option, value, "is not a link-local address", remedy="Write one of 169.254.0.0/16 or fe80::/10"
        )
    return found


def parse_mac(option: str, value: Any) -> str:
    """Parse a MAC address into lower case with colons. Raises InvalidOption, also for a multicast address."""
    text = plain_text(option, value).lower().replace("-", ":")
    if text and (not _MAC.fullmatch(text) or int(text[:2], 16) & 1):
        raise InvalidOption(
            option, value, "is not a unicast MAC address", remedy="Write it as in 92:d0:c6:0a:29:33"
        )
    return text


def parse_alias(option: str, value: Any) -> str:
    """Parse a name that the resolver can answer. Raises InvalidOption."""
    text = plain_text(option, value)
    if not _ALIAS.fullmatch(text):
        raise InvalidOption(
            option, value, "is not a host name", remedy="Write letters, digits, _ . -, as in db-1.example"
        )
    return text


def _canonical(option: str, text: str) -> str:
    if text in _MODES:
        return text
    if text.startswith(("container:", "ns:")):
        return namespaces.joined(option, text, ("host", "none", "bridge", "NAME"))
    one = _decode(option, text)
    parts = [f"ip={ip}" for ip in one.ips] + [f"alias={alias}" for alias in one.aliases]
    parts += [f"mac={one.mac}"] if one.mac else []
    parts += [f"interface_name={one.interface}"] if one.interface else []
    parts += [f"host_interface_name={one.host_interface}"] if one.host_interface else []
    parts += [f"metric={one.metric}"] if one.metric else []
    parts += [] if one.default_route else ["default_route=false"]
    return f"{one.name}:{','.join(sorted(parts))}" if parts else one.name


def _decode(option: str, text: str) -> Wanted:
    name, _colon, rest = text.partition(":")
    if text.startswith("{"):
        raise InvalidOption(
            option, text, "is a mapping", remedy="Write a string, as in NAME or NAME:ip=ADDRESS,alias=NAME"
        )
    if name in namespaces.REFUSED:
        raise InvalidOption(
            option, text, namespaces.REFUSED[name], remedy="Write none, host, container:NAME or a network"
        )
    wanted_one = Wanted(DEFAULT if name in _DEFAULT_WORDS else check_name(option, name))
    for part in rest.split(",") if rest else ():
        key, equals, value = part.partition("=")
        if key not in _KEYS or not equals:
            raise InvalidOption(
                option, text, f"has the invalid part {part!r}", remedy=f"Known: {', '.join(_KEYS)}"
            )
        wanted_one = _KEYS[key](option, wanted_one, value)
    return wanted_one


def _address(option: str, text: str, versions: tuple[int, ...]) -> str:
    import ipaddress  # needed only if an address is named

    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        address = None
    if address is None or address.version not in versions or "%" in text:
        kind = "IP" if len(versions) > 1 else f"IPv{versions[0]}"
        raise InvalidOption(
            option, text, f"is no {kind} address", remedy="Write it without a prefix length, as in 10.88.0.5"
        )
    return str(address)


def _with_ip(option: str, one: Wanted, value: str) -> Wanted:
    return one._replace(ips=tuple(sorted({*one.ips, _address(option, value, (4, 6))})))


def _with_ip6(option: str, one: Wanted, value: str) -> Wanted:
    return one._replace(ips=tuple(sorted({*one.ips, _address(option, value, (6,))})))


def _with_alias(option: str, one: Wanted, value: str) -> Wanted:
    return one._replace(aliases=tuple(dict.fromkeys((*one.aliases, parse_alias(option, value)))))


def _with_interface(option: str, one: Wanted, value: str) -> Wanted:
    if value == _LOOPBACK:
        raise InvalidOption(
            option,
            f"interface_name={value}",
            "is the loopback device, which all have",
            remedy="Choose another name",
        )
    return one._replace(interface=check_interface(option, value))


def _with_metric(option: str, one: Wanted, value: str) -> Wanted:
    number = decimal(value, most=_METRICS)
    if number is None:
        raise InvalidOption(option, f"metric={value}", "is not a metric", remedy="Write a number, as in 100")
    return one._replace(metric=number)


def _with_default_route(option: str, one: Wanted, value: str) -> Wanted:
    if value not in ("true", "false"):
        raise InvalidOption(
            option, f"default_route={value}", "is not a boolean", remedy="Write true or false"
        )
    return one._replace(default_route=value == "true")


#: The options of an attachment.
_KEYS: dict[str, Any] = {
    "alias": _with_alias,
    "ip": _with_ip,
    "ip6": _with_ip6,
    "mac": lambda option, one, value: one._replace(mac=parse_mac(option, value)),
    "interface_name": _with_interface,
    "host_interface_name": lambda option, one, value: one._replace(
        host_interface=check_interface(option, value)
    ),
    "metric": _with_metric,
    "default_route": _with_default_route,
}
