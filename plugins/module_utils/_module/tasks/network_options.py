# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of module ``network``, documented below each; ``make generated`` writes the module's DOCUMENTATION from it."""

from __future__ import annotations

from ..._engine.model.container.kinds import of_type
from ..._engine.model.network.grammar import DRIVERS, IPAM_DRIVERS
from ..._engine.plan.container import PRESENT
from ..._engine.plan.network import STATES
from ..options import ArgumentSpec, declared


class NetworkOptions:
    """Options of the network, then of the task. What a network is of itself has no default: unset leaves it as it is."""

    name = of_type("str", required=True)
    """Name of the network."""

    state = of_type("str", default=PRESENT, choices=[*STATES])
    """V(present) has the network as the task says. Its bridge is made for the first container in it.

    V(absent) removes it. It fails when containers are attached to it, naming them.
    """

    driver = of_type("str", choices=[*DRIVERS])
    """V(bridge): a bridge of its own on the host, which leads out by the host's address.

    V(macvlan) and V(ipvlan): interfaces beside one of the host, the C(parent) of O(opt), straight on its network.

    V(cni): the plugins (Container Network Interface, version 0.3.1 to 1.1) of the list that C(conflist) of O(opt)
    names. They decide addresses, routes and all else; their results are shown as those of other drivers are.

    Unset is V(bridge), or what an existing network has.
    """

    subnet = of_type("list")
    """Subnets in CIDR notation, at most one of each IP version where O(ipv6) is to add the other.

    Unset: the engine chooses a subnet that is clear of all routes of the host and of all other networks,
    V(10.89.0.0/24) if it can. An existing network keeps those that it has.

    One that overlaps another network is refused, and so is one that overlaps a route of the host which is
    directly connected, or leads to a part of it. Within a wider route to a gateway it is the more specific one.
    """

    gateway = of_type("list")
    """Gateways, the first one of the first O(subnet), and so on. An empty text is unset.

    Unset is the first address of the subnet. With V(internal=true) and V(disable_dns=true) there is none.
    """

    ip_range = of_type("list")
    """The addresses that containers get where their tasks name none, as V(10.1.0.128/25) or
    V(10.1.0.10-10.1.0.20). The first one is of the first O(subnet), and so on. An empty text is unset.

    Unset is the whole subnet.
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
    """The same, a subnet at a time.

    subnet:
        Subnet in CIDR notation.

    gateway:
        Its gateway.

    ip_range:
        The addresses to give out.
    """

    ipv6 = of_type("bool")
    """Whether the network has both versions of IP: a subnet is chosen for that one of which none is named.

    A network whose O(subnet) is of IPv6 has IPv6 without this.
    """

    internal = of_type("bool")
    """Whether nothing outside of the network can be reached from it, and it from nowhere."""

    disable_dns = of_type("bool")
    """Whether containers do not find each other by name."""

    dns = of_type("list", aliases=["network_dns_servers"])
    """Servers that are asked for all names but those of the containers.

    Unset are those of the host, or what an existing network has. An empty list is those of the host.
    """

    interface_name = of_type("str")
    """Name of the bridge on the host, 15 characters at most. With V(macvlan) and V(ipvlan) it is the C(parent).

    Unset is a name that is made of the network's id.
    """

    macvlan = of_type("str")
    """Is O(driver=macvlan) with this C(parent)."""

    ipam_driver = of_type("str", choices=[*IPAM_DRIVERS])
    """Who gives out addresses: the engine (V(host-local)) or nobody (V(none)). V(dhcp) is not built yet."""

    opt = of_type("raw", aliases=["options"])
    """Options of the driver, as a mapping or as a list of C(key=value). All of them: what an existing network has
    and the task does not say is taken away. Unset leaves them as they are.

    C(mtu): the largest packet in bytes. C(metric): the metric of the default route in containers.
    C(no_default_route): whether containers get none.

    C(isolate), of V(bridge): V(true) keeps the network apart from others that are isolated, V(strict) from all.
    C(vlan), of V(bridge): the VLAN of its ports.

    C(mode), of V(bridge): V(managed), or V(unmanaged), which takes the bridge O(interface_name) of the host as
    it is. Of V(macvlan): V(bridge), V(private), V(vepa) or V(passthru). Of V(ipvlan): V(l2), V(l3) or V(l3s).

    C(parent), of V(macvlan) and V(ipvlan): the interface of the host. Unset is that of the default route.

    C(conflist), of V(cni): the name of a list of plugins in C(/etc/cni/net.d), or the path of one. Unset is the
    list that has the name of the network.

    Docker's C(com.docker.network.driver.mtu) and C(com.docker.network.bridge.name) are C(mtu) and
    O(interface_name).
    """

    route = of_type("list")
    """Routes of each container, as V(DESTINATION,GATEWAY) or V(DESTINATION,GATEWAY,METRIC), the gateway being in a
    subnet of the network. An empty list is none.
    """

    label = of_type("dict", aliases=["labels"])
    """Labels of the network. They change without anything else."""

    recreate = of_type("bool", default=False)
    """Whether an existing network is removed and made anew in any case. Containers that are attached are detached
    for that and attached again: they run on, keep the addresses that are in its subnets, and get others else. An
    address that a container has asked for and that is in none of them is refused.

    Without it, what needs that (all but O(label)) is done while no container is attached, and is refused
    while one is.
    """

    force = of_type("bool", default=False)
    """Whether containers that are attached to the network are detached first, for O(state=absent). They run on
    without it; those that are in no other network have V(none) then, and no published ports.
    """


ARGUMENTS: ArgumentSpec = declared(NetworkOptions)
