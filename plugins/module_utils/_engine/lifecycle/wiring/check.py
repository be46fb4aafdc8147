# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that a container can be attached to its networks, before anything is changed."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import InvalidOption, NameInUse
from ...frozen import replace
from ...kernel.net import links
from ...kernel.net.netlink import Netlink
from ...model.container import networks as grammar
from ...model.container import wired
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.network import ports as portgrammar
from ...model.network import resolver
from ...model.network.spec import BRIDGE, CNI, NetworkRecord, NetworkSpec
from ...model.network.whole import ON_PARENT
from ...model.network.wiring import Port
from ...network import firewall
from ...state import containers
from ..core.engine import Engine
from ..core.source import Source
from . import choose, host_ports, names


def check(engine: Engine, spec: ContainerSpec, source: Source, record: ContainerRecord | None) -> None:
    """Raise what creation or start would raise, while the container to be replaced still exists.

    ``record`` is that of an existing container to be started or changed; it may keep what it has. Raises what
    ``choose.with_networks`` raises, NameInUse for an interface of the host, HostLacks without nftables and iptables.
    """
    firewall.backend()
    with engine.database.reading() as connection:
        there = record or containers.by_name(connection, spec.name)
        if record is None or wired.differs(record.spec, spec):
            # A trial: the values chosen here may be taken by then, but invalid requests are refused now.
            to_come = replace(record, spec=spec) if record else ContainerRecord(id="", spec=spec, created=0)
            ports, altered = choose.with_networks(connection, to_come, source.config, there).ports, True
        else:
            ports, altered = record.ports, False
        named = [
            network for want in grammar.wanted(spec) if (network := choose.network_of(connection, want.name))
        ]
    if any(network.spec.driver == CNI for network in named):
        from . import plugins

        with engine.tolerating():
            plugins.check(named, spec)
    with engine.tolerating():
        for network in named:
            check_host(network)
    if altered and len(named) == len(
        grammar.wanted(spec)
    ):  # the default network, which is created on demand, takes ports
        refuse_vain_ports(spec, named)
    _check_host_gateway(spec, named)
    _check_interfaces(spec, there)
    held = there.ports if there else ()
    host_ports.check(port for port in ports if not _is_held(port, held, there))


def check_host(network: NetworkRecord) -> None:
    """Check that the host has what the network needs. Raises NotFound, NameInUse, HostLacks."""
    if network.spec.driver in ON_PARENT:
        from ...network import direct

        direct.check(network)
    elif network.spec.driver == BRIDGE:
        from ...network import bridge

        bridge.check(network)


def refuse_vain_ports(spec: ContainerSpec, named: Sequence[NetworkRecord]) -> None:
    """Refuse published ports if none of the networks takes them. Raises InvalidOption."""
    if not (spec.publish or spec.publish_all) or not named:
        return
    if not any(one.spec.takes_ports or one.spec.driver == CNI for one in named):
        kinds = (f"{one.name} ({_kind(one.spec)})" for one in named)
        raise InvalidOption(
            "publish" if spec.publish else "publish_all",
            list(spec.publish) if spec.publish else True,
            f"has no effect: no port can be published into network {', '.join(kinds)}",
            remedy="Omit it, or attach a network of driver bridge as well that is neither internal nor unmanaged",
        )


def _kind(spec: NetworkSpec) -> str:
    """Return why a network takes no ports: it is internal, an unmanaged bridge, or of another driver."""
    if spec.internal:
        return "internal"
    return spec.options["mode"] if spec.driver == BRIDGE else spec.driver


def _check_host_gateway(spec: ContainerSpec, named: Sequence[NetworkRecord]) -> None:
    """Check that host-gateway has an address in a network; a network that is not created yet will have one.

    Raises InvalidOption.
    """
    wants = resolver.HOST_GATEWAY in (spec.etc_hosts or {}).values()
    if wants and len(named) == len(grammar.wanted(spec)) and not names.gateway_of(named):
        raise InvalidOption(
            "etc_hosts",
            resolver.HOST_GATEWAY,
            f"has no address in the container's networks ({', '.join(one.name for one in named)})",
            remedy="Set an address, or attach a bridge network that is not internal",
        )


def _check_interfaces(spec: ContainerSpec, there: ContainerRecord | None) -> None:
    """Refuse to create host interfaces that exist, except the container's own. Raises NameInUse."""
    new = _requested_interfaces(spec) - (_requested_interfaces(there.spec) if there else set())
    if not new:
        return
    with Netlink() as netlink:
        found = next((one.name for one in links.find(netlink, *sorted(new)) if one is not None), None)
    if found is not None:
        raise NameInUse(
            f"network: the host already has an interface {found}",
            remedy="Choose another host_interface_name, or remove that interface",
            interface=found,
        )


def _requested_interfaces(spec: ContainerSpec) -> set[str]:
    return {one.host_interface for one in grammar.wanted(spec)} - {""}


def _is_held(port: Port, held: tuple[Port, ...], there: ContainerRecord | None) -> bool:
    """Return whether the existing container runs and holds the port itself."""
    return (
        there is not None
        and there.process is not None
        and any(portgrammar.collide(port, one) for one in held)
    )
