# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway network``: ls, inspect, create, reload and rm, with podman's options, output and exit codes."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from ...errors import EngineError, NameInUse, Setting, Words
from ...lifecycle.core.engine import Engine
from ...lifecycle.inspect import filters
from ...lifecycle.network.tell import networks
from ..cli import listing, output
from ..cli.listing import Field

#: Exit codes of podman-network-rm(1).
_FAILED, _NOT_THERE, _IN_USE = 125, 1, 2
_USUAL = ("ID", "Name", "Driver", "Subnets", "UsedBy")


def add(verbs: Any) -> None:
    """Add the verbs."""
    text = "list, inspect, create and remove networks, and reload their firewall rules"
    parser = verbs.add_parser("network", help=text, description=text)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _add_list(actions)
    text = "show all data of networks, as JSON"
    parser = actions.add_parser("inspect", help=text, description=text)
    parser.add_argument("names", nargs="+", metavar="NETWORK")
    parser.add_argument("--format", "-f", metavar="TEMPLATE", help="json, or text with {{.Field}}")
    parser.set_defaults(verb=_inspect)
    _add_create(actions)
    text = "restore the firewall rules of networks and ports after they were flushed"
    parser = actions.add_parser("reload", help=text, description=text)
    parser.set_defaults(verb=_reload, acts=True)
    text = "remove networks"
    parser = actions.add_parser("rm", help=text, description=text)
    parser.add_argument("names", nargs="+", metavar="NETWORK")
    parser.add_argument(
        "--force",
        "-f",
        action="store_true",
        help="also networks in use; their containers run on without them",
    )
    parser.set_defaults(verb=_remove_all, acts=True)


def _add_list(actions: Any) -> None:
    text = "list networks"
    parser = actions.add_parser("ls", help=text, description=text, aliases=["list"])
    listing.add_options(parser, filters=filters.NETWORKS, noheading=("--noheading", "-n"))
    parser.set_defaults(verb=_list)


def _add_create(actions: Any) -> None:
    text = "create a network"
    parser = actions.add_parser("create", help=text, description=text)
    parser.add_argument("name", metavar="NAME")
    for flags, metavar, text in (
        (("--driver", "-d"), "DRIVER", "bridge, macvlan or ipvlan"),
        (("--interface-name",), "INTERFACE", "name of the bridge on the host"),
        (("--ipam-driver",), "DRIVER", "host-local or none"),
    ):
        parser.add_argument(*flags, metavar=metavar, help=text)
    for flags, metavar, text in (
        (("--subnet",), "CIDR", "a subnet; gateways and ranges belong to subnets in the same order"),
        (("--gateway",), "ADDRESS", "gateway of the subnet"),
        (("--ip-range",), "RANGE", "allocate addresses from this range: CIDR or FIRST-LAST"),
        (("--route",), "DESTINATION,GATEWAY[,METRIC]", "a static route in each container"),
        (("--dns",), "ADDRESS", "a server that resolves all other names"),
        (("--opt", "-o"), "KEY=VALUE", "a driver option"),
        (("--label",), "KEY=VALUE", "a label"),
    ):
        parser.add_argument(*flags, action="append", metavar=metavar, help=f"{text}; may be repeated")
    for flag, text in (
        ("--ipv6", "enable IPv6 beside IPv4"),
        ("--internal", "no access to other networks"),
        ("--disable-dns", "do not resolve container names"),
        ("--ignore", "do not fail if the network exists"),
    ):
        parser.add_argument(flag, action="store_true", help=text)
    parser.set_defaults(verb=_create, acts=True)


FIELDS: Mapping[str, Field] = {
    "ID": Field("NETWORK ID", lambda shape, whole: shape["id"] if whole else listing.short_id(shape["id"])),
    "Name": Field("NAME", lambda shape, _whole: shape["name"]),
    "Driver": Field("DRIVER", lambda shape, _whole: shape["driver"]),
    "Subnets": Field(
        "SUBNETS", lambda shape, _whole: ", ".join(subnet["subnet"] for subnet in shape["subnets"])
    ),
    "UsedBy": Field("USED BY", lambda shape, _whole: ", ".join(shape["used_by"])),
    "NetworkInterface": Field("INTERFACE", lambda shape, _whole: shape["network_interface"]),
    "Labels": Field("LABELS", lambda shape, _whole: shape["labels"]),
    "Options": Field("OPTIONS", lambda shape, _whole: shape["options"]),
    "IPAMOptions": Field("IPAM OPTIONS", lambda shape, _whole: shape["ipam_options"]),
    "Created": Field("CREATED", lambda shape, _whole: shape["created"]),
    "Internal": Field("INTERNAL", lambda shape, _whole: shape["internal"]),
    "IPv6Enabled": Field("IPV6", lambda shape, _whole: shape["ipv6_enabled"]),
    "DNSEnabled": Field("DNS", lambda shape, _whole: shape["dns_enabled"]),
}


def _list(engine: Engine, arguments: argparse.Namespace) -> None:
    wanted = filters.parse(arguments.filter, filters.NETWORKS)
    found = filters.choose(networks(engine).result["networks"], wanted, filters.NETWORKS)
    listing.show(arguments, found, FIELDS, _USUAL, lambda shape: str(shape["name"]))


def _inspect(engine: Engine, arguments: argparse.Namespace) -> int:
    from .inspect import show

    return show(engine, arguments.names, "network", arguments)


def _create(engine: Engine, arguments: argparse.Namespace) -> int:
    from ...frozen import replace
    from ...lifecycle.network.converge import converge_network
    from ...model.network.grammar import parse

    asked = parse({name: value or None for name, value in vars(arguments).items()})
    asked = asked._replace(spec=replace(asked.spec, labels=_labels(arguments.label or ())))
    there = networks(engine, [asked.spec.name]).result["networks"]
    if there and not arguments.ignore:
        raise NameInUse(
            f"network {arguments.name} already exists",
            remedy=Words("Choose another name, or use ", Setting("ignore", True)),
            name=arguments.name,
        )
    if not there:
        converge_network(engine, asked, "present")
    output.write(arguments.name)
    return 0


def _reload(engine: Engine, _arguments: argparse.Namespace) -> None:
    from ...lifecycle.wiring.reload import reload

    reload(engine)


def _labels(items: Any) -> dict[str, str]:
    pairs = (item.partition("=") for item in items)
    return {key: value for key, _equals, value in pairs}


def _remove_all(engine: Engine, arguments: argparse.Namespace) -> int:
    codes = [_remove(engine, name, arguments) for name in arguments.names]
    return next(filter(None, codes), 0)


def _remove(engine: Engine, text: str, arguments: argparse.Namespace) -> int:
    from ...lifecycle.network.converge import converge_network
    from ...model.network.grammar import Asked
    from ...model.network.spec import NetworkSpec
    from ...plan.network import How

    try:
        (shape,) = networks(engine, [text], must_exist=True).result["networks"]
        asked = Asked(NetworkSpec(shape["name"]))
        converge_network(engine, asked, "absent", How(force=arguments.force))
    except (EngineError, OSError) as error:
        output.complain(error, arguments.flags)
        code = error.code if isinstance(error, EngineError) else ""
        return {"not_found": _NOT_THERE, "in_use": _IN_USE}.get(code, _FAILED)
    output.write(text)
    return 0
