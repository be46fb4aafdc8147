# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse and encode the input and output of plugins (Container Network Interface): lists, requests, results (pure).

Source: the CNI specification, versions 0.3.1 to 1.1.0, and its conventions (https://www.cni.dev/docs/).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Optional

from ..values import jsontext
from .spec import Subnet
from .wiring import Port

#: The supported versions, oldest first. A list of any other version is refused.
VERSIONS = ("0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
#: The first version that has CHECK, and that passes the result of ADD to DEL.
_CHECKED = VERSIONS.index("0.4.0")
#: The names that the specification permits for networks, and for plugins, whose names become part of a path.
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}", re.ASCII)
_MAC = re.compile("[0-9a-f]{2}(:[0-9a-f]{2}){5}")
#: The largest number of plugins in a list; also of addresses or servers of a result, of which the rest is ignored.
_MOST = 32
PORTS, IPS, MAC, ALIASES = "portMappings", "ips", "mac", "aliases"


class Plugins(NamedTuple):
    """A list of plugins: the ``name`` and ``version`` passed to each, their configurations, and whether CHECK is possible."""

    name: str
    version: str
    each: tuple[Mapping[str, Any], ...]
    checks: bool

    @property
    def types(self) -> tuple[str, ...]:
        """Return the names of the programs, including those of IPAM plugins."""
        ipams = (one["ipam"].get("type", "") for one in self.each if isinstance(one.get("ipam"), dict))
        return tuple(dict.fromkeys([*(one["type"] for one in self.each), *filter(None, ipams)]))

    @property
    def remembers(self) -> bool:
        """Return whether DEL gets the result of ADD."""
        return VERSIONS.index(self.version) >= _CHECKED

    def can(self, capability: str) -> bool:
        """Return whether a plugin accepts this capability in ``runtimeConfig``."""
        return any(_capabilities(one).get(capability) is True for one in self.each)


class Request(NamedTuple):
    """The request to all plugins for one container: ``args`` become CNI_ARGS, ``capabilities`` go to plugins that have them."""

    container_id: str
    interface: str
    args: Mapping[str, str]
    capabilities: Mapping[str, Any]


class Told(NamedTuple):
    """A result for the container's interface: addresses (IPv4 first), their subnets with gateways, and DNS servers."""

    addresses: tuple[str, ...]
    subnets: tuple[Subnet, ...]
    mac: str = ""
    dns: tuple[str, ...] = ()


def parse_plugins(text: bytes, *, most: int) -> Plugins:
    """Parse a list of plugins, or a single plugin. Raises ValueError with the reason, also for more than ``most`` bytes."""
    if len(text) > most:
        raise ValueError(f"it is longer than {most} bytes")
    return plugins_of(jsontext.parse_object(text))


def plugins_of(data: Mapping[str, Any]) -> Plugins:
    """Return the list of plugins in decoded JSON. Raises ValueError."""
    each = data.get("plugins") if "plugins" in data else [data]
    if not isinstance(each, list) or not 0 < len(each) <= _MOST:
        raise ValueError(f"plugins is not a list of 1 to {_MOST}")
    for one in each:
        if not isinstance(one, dict) or not _is_name(one.get("type")):
            raise ValueError("the type of a plugin is not the name of a program")
        ipam = one.get("ipam")
        if isinstance(ipam, dict) and ipam.get("type") and not _is_name(ipam["type"]):
            raise ValueError("the type of ipam is not the name of a program")
    if not _is_name(data.get("name")):
        raise ValueError("name does not consist of letters, digits, _ . -")
    version = _version(data)
    checks = VERSIONS.index(version) >= _CHECKED and data.get("disableCheck") is not True
    return Plugins(data["name"], version, tuple(each), checks)


def encode(plugins: Plugins, request: Request, result: Optional[Mapping[str, Any]]) -> dict[str, Any]:
    """Return in JSON what detaching needs, independently of the file that the list was read from."""
    return {
        "list": {"name": plugins.name, "cniVersion": plugins.version, "plugins": [*plugins.each]},
        "checks": plugins.checks,
        "request": request._asdict(),
        "result": result,
    }


def decode(text: bytes) -> tuple[Plugins, Request, Optional[dict[str, Any]]]:
    """Decode the result of ``encode``. Raises ValueError, LookupError or TypeError for anything else."""
    data = jsontext.parse_object(text)
    plugins = plugins_of(data["list"])._replace(checks=bool(data["checks"]))
    request, result = Request(**data["request"]), data["result"]
    if not isinstance(request.args, dict) or not isinstance(request.capabilities, dict):
        raise TypeError("request is not an object")
    if not isinstance(result, (dict, type(None))):
        raise TypeError("result is not an object")
    return plugins, request, result


def config(
    plugins: Plugins, number: int, request: Request, previous: Optional[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the configuration that a plugin reads from its standard input."""
    one = dict(plugins.each[number])
    named = _capabilities(one)
    one.pop("capabilities", None)
    given = {name: value for name, value in request.capabilities.items() if named.get(name) is True}
    return {
        **one,
        "name": plugins.name,
        "cniVersion": plugins.version,
        **({"runtimeConfig": given} if given else {}),
        **({} if previous is None else {"prevResult": previous}),
    }


def arguments(request: Request) -> str:
    """Return the value of CNI_ARGS."""
    return ";".join(f"{name}={value}" for name, value in request.args.items())


def mappings(ports: Iterable[Port]) -> list[dict[str, Any]]:
    """Return single published ports in the form of the capability portMappings."""
    return [
        {
            "hostPort": port.host_port,
            "containerPort": port.container_port,
            "protocol": port.protocol,
            **({"hostIP": port.host_ip} if port.host_ip else {}),
        }
        for port in ports
    ]


def told(result: Mapping[str, Any], interface: str) -> Told:
    """Parse a result for the container's interface of this name. Raises ValueError, LookupError or TypeError."""
    links = result.get("interfaces") or []
    inside = [at for at, link in enumerate(links) if link.get("sandbox") and link.get("name") == interface]
    found = [one for one in result.get("ips") or [] if one.get("interface", None) in (None, *inside)]
    subnets = dict(sorted((_address(one) for one in found[:_MOST]), key=lambda pair: ":" in pair[0]))
    macs = [str(links[at].get("mac", "")).lower() for at in inside]
    servers = (result.get("dns") or {}).get("nameservers") or []
    return Told(
        tuple(subnets),
        tuple(subnets.values()),
        next((mac for mac in macs if _MAC.fullmatch(mac)), ""),
        tuple(str(ipaddress.ip_address(server)) for server in servers[:_MOST]),
    )


def failure(output: bytes) -> str:
    """Return a plugin's error message, "" if it printed none."""
    try:
        said = jsontext.parse_object(output)
    except ValueError:
        return ""
    words = [str(said[key]).strip() for key in ("msg", "details") if said.get(key)]
    return f"{': '.join(words)} (code {said.get('code')})" if words else ""


def _version(data: Mapping[str, Any]) -> str:
    """Return the newest version that both the list and the engine support. Raises ValueError if there is none."""
    listed: Sequence[Any] = data["cniVersions"] if isinstance(data.get("cniVersions"), list) else ()
    found = [version for version in VERSIONS if version in (data.get("cniVersion"), *listed)]
    if not found:
        given = data.get("cniVersion")
        raise ValueError(f"cniVersion {given!r} is not one of {', '.join(VERSIONS)}")
    return found[-1]


def _capabilities(one: Mapping[str, Any]) -> Mapping[str, Any]:
    found = one.get("capabilities")
    return found if isinstance(found, dict) else {}


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _address(one: Mapping[str, Any]) -> tuple[str, Subnet]:
    address = ipaddress.ip_interface(one["address"])
    gateway = str(ipaddress.ip_address(one["gateway"])) if one.get("gateway") else ""
    return str(address.ip), Subnet(str(address.network), gateway)
