# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of module ``network``, each documented below it; ``make generated`` writes DOCUMENTATION from them."""

from __future__ import annotations

from ..._engine.model.container.kinds import of_type
from ..._engine.model.network.grammar import DRIVERS, IPAM_DRIVERS
from ..._engine.plan.container import PRESENT
from ..._engine.plan.network import STATES
from ..options import ArgumentSpec, declared


class NetworkOptions:
    """Options of the network, then of the task. The network's own have no default: unset keeps an existing network's value."""

    name = of_type("str", required=True)
    """Name of the network."""

    state = of_type("str", default=PRESENT, choices=[*STATES])
    """Desired state of the network. V(present) ensures that it exists as the task describes it. Its bridge is
    created for the first container.

    V(absent) removes the network. It fails if containers are attached to it, and names them.
    """

    driver = of_type("str", choices=[*DRIVERS])
    """Driver of the network. V(bridge) creates a bridge on the host; containers reach other hosts through the
    host's address (NAT).

    V(macvlan) and V(ipvlan) create interfaces on an interface of the host, the C(parent) of O(opt), which are
    directly on its network.

    V(cni) runs the plugins (Container Network Interface, versions 0.3.1 to 1.1) of the list that C(conflist)
    of O(opt) names. They determine addresses, routes and everything else; their results are shown like those
    of other drivers.

    Defaults to V(bridge), or to the driver of the existing network.
    """

    subnet = of_type("list")
    """Subnets in CIDR notation, at most one per IP version if O(ipv6=true) adds the other version.

    If unset, the engine chooses a subnet that overlaps neither a route of the host nor another network,
    V(10.89.0.0/24) if possible. An existing network keeps its subnets.

    A subnet is refused if it overlaps another network or a directly connected route of the host, or if it
    contains the destination of another route. It may lie within a wider route to a gateway, because it is
    more specific than that route.
    """

    gateway = of_type("list")
    """Gateways, in the order of O(subnet). An empty string leaves a gateway unset.

    Defaults to the first address of the subnet. With O(internal=true) and O(disable_dns=true) there is no
    gateway.
    """

    ip_range = of_type("list")
    """Ranges of addresses to assign to containers whose tasks name none, in the order of O(subnet), as in
    V(10.1.0.128/25) or V(10.1.0.10-10.1.0.20). An empty string leaves a range unset.

    Defaults to the whole subnet.
    """

    net_config = of_type(
        "list",
        elements="dict",
        options={
            "subnet": of_type("str", required=True),
            "gateway": of_type("str"),
            "ip_range": of_type("str"),
        },
    )
    """Subnets with gateway and range, an alternative to O(subnet), O(gateway) and O(ip_range).

    subnet:
        Subnet in CIDR notation.

    gateway:
        Gateway of the subnet.

    ip_range:
        Range of addresses to assign.
    """

    ipv6 = of_type("bool")
    """Whether the network has both IP versions. The engine chooses a subnet for a version that no option
    names.

    A network with an IPv6 O(subnet) has IPv6 even without this option.
    """

    internal = of_type("bool")
    """Whether to isolate the network from all other networks. Containers can neither reach hosts outside of
    it nor be reached from there.
    """

    disable_dns = of_type("bool")
    """Whether to disable name resolution between the containers of the network."""

    dns = of_type("list", aliases=["network_dns_servers"])
    """DNS servers for all names except those of the containers.

    Defaults to the host's servers, or to those of the existing network. An empty list selects the host's
    servers.
    """

    interface_name = of_type("str")
    """Name of the bridge on the host, at most 15 characters. With V(macvlan) and V(ipvlan), it is the
    C(parent).

    Defaults to a name that is derived from the network's ID.
    """

    macvlan = of_type("str")
    """Shorthand for O(driver=macvlan) with this interface as the C(parent) of O(opt)."""

    ipam_driver = of_type("str", choices=[*IPAM_DRIVERS])
    """Driver that assigns addresses. V(host-local) is the engine, V(none) assigns none. V(dhcp) is not
    implemented.
    """

    opt = of_type("raw", aliases=["options"])
    """Options of the driver, as a mapping or as a list of C(key=value). The list is complete: options of an
    existing network that the task does not name are removed. If unset, an existing network keeps its
    options.

    C(mtu): maximum packet size in bytes. C(metric): metric of the default route in containers.
    C(no_default_route): whether containers get no default route.

    C(isolate), for V(bridge): V(true) isolates the network from other isolated networks, V(strict) from all
    networks. C(vlan), for V(bridge): VLAN of the bridge's ports.

    C(mode), for V(bridge): V(managed), or V(unmanaged), which uses the host's existing bridge
    O(interface_name) without changes. For V(macvlan): V(bridge), V(private), V(vepa) or V(passthru). For
    V(ipvlan): V(l2), V(l3) or V(l3s).

    C(parent), for V(macvlan) and V(ipvlan): interface of the host. Defaults to the interface of the default
    route.

    C(conflist), for V(cni): name of a list of plugins in C(/etc/cni/net.d), or the path of a list. Defaults
    to the list with the name of the network.

    Docker's C(com.docker.network.driver.mtu) and C(com.docker.network.bridge.name) are aliases of C(mtu) and
    O(interface_name).
    """

    route = of_type("list")
    """Routes of each container, as V(DESTINATION,GATEWAY) or V(DESTINATION,GATEWAY,METRIC). The gateway must
    be in a subnet of the network. An empty list removes all routes.
    """

    label = of_type("dict", aliases=["labels"])
    """Labels of the network. Changing them affects nothing else."""

    recreate = of_type("bool", default=False)
    """Whether to remove an existing network and create it again unconditionally. Attached containers keep
    running. They are detached and attached again, and keep addresses that are in the new subnets; others
    are replaced. It is refused if a container requests an address that is in none of the new subnets.

    Without this option, a change of anything but O(label) recreates the network if no container is attached,
    and is refused otherwise.
    """

    force = of_type("bool", default=False)
    """Whether O(state=absent) first detaches the containers that are attached to the network. They keep
    running. Containers without another network then have V(none), and no published ports.
    """


ARGUMENTS: ArgumentSpec = declared(NetworkOptions)
