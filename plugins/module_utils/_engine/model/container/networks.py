# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse which networks a container is in, and what it wants of each.

Sources: podman-run(1) ``--network``, ``--ip``, ``--ip6``, ``--mac-address``, ``--network-alias``. The canonical form of option
``network`` is a tuple of texts, ``NAME[:KEY=VALUE,...]`` with the keys sorted; without any text it is the default network alone.
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

#: The network of a container that names none.
DEFAULT = "slipway"
#: Podman's words for it.
_DEFAULT_WORDS = ("bridge", "private")
_MODES = (namespaces.HOST, namespaces.NONE)
_MAC = re.compile("[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_ALIAS = re.compile(r"[a-zA-Z0-9_]([a-zA-Z0-9_.-]{0,253}[a-zA-Z0-9_])?")
_METRICS = 2**31 - 1
_LOOPBACK = "lo"
#: What makes /etc/hosts and /etc/resolv.conf, which a container that shares another's network has of that one.
_OF_FILES = ("dns", "dns_search", "dns_option", "etc_hosts", "no_hosts", "hosts_file")


class Wanted(NamedTuple):
    """What a container wants of one network. ``ips`` are addresses of both versions; "" and () leave the choice to the engine.

    ``link_local`` is one more address, "" for none.
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
    """Return the canonical texts; raises InvalidOption."""
    items = [plain_text(option, item) for item in (value if isinstance(value, (list, tuple)) else [value])]
    texts = tuple(_canonical(option, item) for item in items if item)
    modes = [text for text in texts if is_mode(text)]
    if modes and len(texts) > 1:
        raise InvalidOption(
            option,
            modes[0],
            "can't be one of several networks",
            remedy="Write it alone, or names of networks",
        )
    names = [text.partition(":")[0] for text in texts if not is_mode(text)]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise InvalidOption(option, double, "is named twice", remedy="Name each network once")
    return () if texts == (DEFAULT,) else texts


def is_mode(text: str) -> bool:
    """Tell whether a canonical text is none of a network: host, none, container:NAME, ns:PATH."""
    return text in _MODES or namespaces.container(text) is not None or namespaces.path(text) is not None


def has_networks(spec: Any) -> bool:
    """Tell whether a spec (ContainerSpec) is in networks of the engine, and not in a namespace without them or of another."""
    return not (spec.network and is_mode(spec.network[0]))


def wanted(spec: Any) -> tuple[Wanted, ...]:
    """Return what a spec (ContainerSpec) wants of each of its networks, in order; () for one that is in none of its own.

    ``ip``, ``ip6``, ``link_local_ip``, ``mac_address`` are for the first, ``network_aliases`` for all (podman-run(1)).
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
    """Return a spec (ContainerSpec) that is no longer in the network with these names; in no other, it is in none.

    What it asks of its first network goes with that, and its ports with the last one.
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
    """Return the further names that a container has in a network."""
    return next((one.aliases for one in wanted(spec) if one.name == network), ())


def check(spec: Any) -> None:
    """Refuse what can't go with the networks that a spec has: InvalidOption."""
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
            raise _vain(told, getattr(spec, told), mode, f"Leave it out, or write it for container {other}")
    if spec.no_hosts and (spec.etc_hosts or spec.hosts_file):
        other = "etc_hosts" if spec.etc_hosts else "hosts_file"
        raise InvalidOption("no_hosts", True, f"leaves {other} no effect", remedy="Keep one of the two")
    if is_mode(mode) and HOST_GATEWAY in (spec.etc_hosts or {}).values():
        why = Words(f"is {HOST_GATEWAY}, which nothing is with ", Setting("network", mode))
        raise InvalidOption("etc_hosts", HOST_GATEWAY, why, remedy="Write an address, or name a network")
    for one in wanted(spec):
        versions = [6 if ":" in ip else 4 for ip in one.ips]
        double = next((version for version in (4, 6) if versions.count(version) > 1), None)
        if double is not None:
            raise InvalidOption(
                "network", one.name, f"is given two IPv{double} addresses", remedy="Write one of each version"
            )


def _vain(option: str, value: Any, mode: str, remedy: str) -> InvalidOption:
    why = Words("has no effect with ", Setting("network", mode))
    return InvalidOption(option, _plain(value), why, remedy=remedy)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def parse_ip(version: int) -> Any:
    """Return the parser of an address of this IP version; its canonical form is that of RFC 5952 or dotted decimals."""

    def parse_one(option: str, value: Any) -> str:
        text = plain_text(option, value)
        return _address(option, text, (version,)) if text else ""

    return parse_one


def parse_link_local(option: str, value: Any) -> str:
    """Return a link-local address of either version in canonical form; raises InvalidOption."""
    import ipaddress  # only what names an address needs it

    text = plain_text(option, value)
    found = _address(option, text, (4, 6)) if text else ""
    if found and not ipaddress.ip_address(found).is_link_local:
        raise InvalidOption(
            option, value, "is no link-local address", remedy="Write one of 169.254.0.0/16 or fe80::/10"
        )
    return found


def parse_mac(option: str, value: Any) -> str:
    """Return a MAC address in lower case with colons; raises InvalidOption for none, and for one of a group."""
    text = plain_text(option, value).lower().replace("-", ":")
    if text and (not _MAC.fullmatch(text) or int(text[:2], 16) & 1):
        raise InvalidOption(
            option, value, "is no MAC address of one interface", remedy="Write it as in 92:d0:c6:0a:29:33"
        )
    return text


def parse_alias(option: str, value: Any) -> str:
    """Return a name that the resolver can answer; raises InvalidOption."""
    text = plain_text(option, value)
    if not _ALIAS.fullmatch(text):
        raise InvalidOption(
            option, value, "is no host name", remedy="Write letters, digits, _ . -, as in db-1.example"
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
            option, text, "is a mapping", remedy="Write a text, as in NAME or NAME:ip=ADDRESS,alias=NAME"
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
                option, text, f"has {part!r} in it", remedy=f"After the colon may stand: {', '.join(_KEYS)}"
            )
        wanted_one = _KEYS[key](option, wanted_one, value)
    return wanted_one


def _address(option: str, text: str, versions: tuple[int, ...]) -> str:
    import ipaddress  # only what names an address needs it

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
        raise InvalidOption(option, f"metric={value}", "is no metric", remedy="Write a number, as in 100")
    return one._replace(metric=number)


def _with_default_route(option: str, one: Wanted, value: str) -> Wanted:
    if value not in ("true", "false"):
        raise InvalidOption(
            option, f"default_route={value}", "is neither true nor false", remedy="Write true or false"
        )
    return one._replace(default_route=value == "true")


#: What may stand after a network's name.
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
