#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, update and remove networks."""

from __future__ import annotations

# `make generated` writes the options, from _module/tasks/network_options.py.
DOCUMENTATION = r"""
module: network
short_description: Manage container networks
version_added: 0.1.0
description:
  - Creates a network, changes its labels, or removes it. Changing anything else recreates the network, which is refused
    while a container is attached to it, unless O(recreate) is set.
  - The options are those of M(containers.podman.podman_network). An existing network keeps the values of options that
    the task does not set, except for its labels.
  - Containers whose tasks name no network use the network V(slipway). It is created when it is first needed, unless a
    task has created it with other options before.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.podman.debug
  - slipway.oci.podman.quadlet
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  name:
    description:
      - Name of the network.
    type: str
    required: true
  state:
    description:
      - Desired state of the network. V(present) ensures that it exists as the task describes it. Its bridge is created
        for the first container.
      - V(absent) removes the network. It fails if containers are attached to it, and names them.
    type: str
    default: present
    choices: [present, absent]
  driver:
    description:
      - Driver of the network. V(bridge) creates a bridge on the host; containers reach other hosts through the host's
        address (NAT).
      - V(macvlan) and V(ipvlan) create interfaces on an interface of the host, the C(parent) of O(opt), which are
        directly on its network.
      - V(cni) runs the plugins (Container Network Interface, versions 0.3.1 to 1.1) of the list that C(conflist) of
        O(opt) names. They determine addresses, routes and everything else; their results are shown like those of other
        drivers.
      - Defaults to V(bridge), or to the driver of the existing network.
    type: str
    choices: [bridge, macvlan, ipvlan, cni]
  subnet:
    description:
      - Subnets in CIDR notation, at most one per IP version if O(ipv6=true) adds the other version.
      - If unset, the engine chooses a subnet that overlaps neither a route of the host nor another network,
        V(10.89.0.0/24) if possible. An existing network keeps its subnets.
      - A subnet is refused if it overlaps another network or a directly connected route of the host, or if it contains
        the destination of another route. It may lie within a wider route to a gateway, because it is more specific than
        that route.
    type: list
    elements: str
  gateway:
    description:
      - Gateways, in the order of O(subnet). An empty string leaves a gateway unset.
      - Defaults to the first address of the subnet. With O(internal=true) and O(disable_dns=true) there is no gateway.
    type: list
    elements: str
  ip_range:
    description:
      - Ranges of addresses to assign to containers whose tasks name none, in the order of O(subnet), as in
        V(10.1.0.128/25) or V(10.1.0.10-10.1.0.20). An empty string leaves a range unset.
      - Defaults to the whole subnet.
    type: list
    elements: str
  net_config:
    description:
      - Subnets with gateway and range, an alternative to O(subnet), O(gateway) and O(ip_range).
    type: list
    elements: dict
    suboptions:
      subnet:
        description:
          - Subnet in CIDR notation.
        type: str
        required: true
      gateway:
        description:
          - Gateway of the subnet.
        type: str
      ip_range:
        description:
          - Range of addresses to assign.
        type: str
  ipv6:
    description:
      - Whether the network has both IP versions. The engine chooses a subnet for a version that no option names.
      - A network with an IPv6 O(subnet) has IPv6 even without this option.
    type: bool
  internal:
    description:
      - Whether to isolate the network from all other networks. Containers can neither reach hosts outside of it nor be
        reached from there.
    type: bool
  disable_dns:
    description:
      - Whether to disable name resolution between the containers of the network.
    type: bool
  dns:
    description:
      - DNS servers for all names except those of the containers.
      - Defaults to the host's servers, or to those of the existing network. An empty list selects the host's servers.
    type: list
    elements: str
    aliases: [network_dns_servers]
  interface_name:
    description:
      - Name of the bridge on the host, at most 15 characters. With V(macvlan) and V(ipvlan), it is the C(parent).
      - Defaults to a name that is derived from the network's ID.
    type: str
  macvlan:
    description:
      - Shorthand for O(driver=macvlan) with this interface as the C(parent) of O(opt).
    type: str
  ipam_driver:
    description:
      - Driver that assigns addresses. V(host-local) is the engine, V(none) assigns none. V(dhcp) is not implemented.
    type: str
    choices: [host-local, dhcp, none]
  opt:
    description:
      - "Options of the driver, as a mapping or as a list of C(key=value). The list is complete: options of an existing
        network that the task does not name are removed. If unset, an existing network keeps its options."
      - "C(mtu): maximum packet size in bytes. C(metric): metric of the default route in containers.
        C(no_default_route): whether containers get no default route."
      - "C(isolate), for V(bridge): V(true) isolates the network from other isolated networks, V(strict) from all
        networks. C(vlan), for V(bridge): VLAN of the bridge's ports."
      - "C(mode), for V(bridge): V(managed), or V(unmanaged), which uses the host's existing bridge O(interface_name)
        without changes. For V(macvlan): V(bridge), V(private), V(vepa) or V(passthru). For V(ipvlan): V(l2), V(l3) or
        V(l3s)."
      - "C(parent), for V(macvlan) and V(ipvlan): interface of the host. Defaults to the interface of the default
        route."
      - "C(conflist), for V(cni): name of a list of plugins in C(/etc/cni/net.d), or the path of a list. Defaults to the
        list with the name of the network."
      - Docker's C(com.docker.network.driver.mtu) and C(com.docker.network.bridge.name) are aliases of C(mtu) and
        O(interface_name).
    type: raw
    aliases: [options]
  route:
    description:
      - Routes of each container, as V(DESTINATION,GATEWAY) or V(DESTINATION,GATEWAY,METRIC). The gateway must be in a
        subnet of the network. An empty list removes all routes.
    type: list
    elements: str
  label:
    description:
      - Labels of the network. Changing them affects nothing else.
    type: dict
    aliases: [labels]
  recreate:
    description:
      - Whether to remove an existing network and create it again unconditionally. Attached containers keep running.
        They are detached and attached again, and keep addresses that are in the new subnets; others are replaced. It is
        refused if a container requests an address that is in none of the new subnets.
      - Without this option, a change of anything but O(label) recreates the network if no container is attached, and is
        refused otherwise.
    type: bool
    default: false
  force:
    description:
      - Whether O(state=absent) first detaches the containers that are attached to the network. They keep running.
        Containers without another network then have V(none), and no published ports.
    type: bool
    default: false
seealso:
  - module: slipway.oci.network_info
  - module: slipway.oci.container
"""

EXAMPLES = r"""
- name: Create a network with a free subnet
  slipway.oci.network:
    name: app
    labels: {tier: web}

- name: Create a network with IPv4 and IPv6
  slipway.oci.network:
    name: both
    subnet: [10.231.7.0/24, "fd00:231:7::/64"]
    gateway: [10.231.7.1, "fd00:231:7::1"]
    ip_range: [10.231.7.128/25]
    interface_name: both0

- name: Create an internal network for databases
  slipway.oci.network:
    name: db
    internal: true
    opt: {mtu: 1400, isolate: true}

- name: Create a network with its own name server
  slipway.oci.network:
    name: lab
    net_config:
      - {subnet: 10.231.8.0/24, gateway: 10.231.8.254}
    route: ["192.0.2.0/24,10.231.8.9"]
    dns: [192.0.2.53]

- name: Remove a network
  slipway.oci.network:
    name: lab
    state: absent
"""

RETURN = r"""
network:
  description:
    - The network, in the format of C(podman network inspect). Empty when the network does not exist.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the network.
      type: str
      returned: always
    id:
      description: ID of the network, 64 hexadecimal digits.
      type: str
      returned: always
    driver:
      description: V(bridge), V(macvlan) or V(ipvlan).
      type: str
      returned: always
    network_interface:
      description: The bridge on the host, which is created for the first container. With other drivers, the parent
        interface.
      type: str
      returned: always
    created:
      description: Time when the network was created.
      type: str
      returned: always
    subnets:
      description: Subnets of the network, each with C(subnet) and, if set, C(gateway) and C(lease_range).
      type: list
      elements: dict
      returned: always
    routes:
      description: Routes that each container gets, each with C(destination), C(gateway) and C(metric).
      type: list
      elements: dict
      returned: always
    ipv6_enabled:
      description: Whether the network has an IPv6 subnet.
      type: bool
      returned: always
    internal:
      description: Whether the network has no access to the outside.
      type: bool
      returned: always
    dns_enabled:
      description: Whether containers can resolve each other's names.
      type: bool
      returned: always
    network_dns_servers:
      description: Name servers for all other names.
      type: list
      elements: str
      returned: always
    labels:
      description: Labels of the network.
      type: dict
      returned: always
    options:
      description: Driver options.
      type: dict
      returned: always
    ipam_options:
      description: C(driver) is the driver that assigns addresses.
      type: dict
      returned: always
    containers:
      description: Attached containers by ID, each with C(name) and C(interfaces).
      type: dict
      returned: always
    used_by:
      description: Names of the attached containers.
      type: list
      elements: str
      returned: always
  sample:
    name: app
    id: 6f0c8f7bbaee8ba063704771c7f46f8b86a1d12ae734347d614656f85b499328
    driver: bridge
    network_interface: sw-6f0c8f7b
    created: "2026-11-23T22:17:37.123456789Z"
    subnets: [{subnet: 10.89.0.0/24, gateway: 10.89.0.1}]
    routes: []
    ipv6_enabled: false
    internal: false
    dns_enabled: true
    network_dns_servers: []
    labels: {tier: web}
    options: {mtu: "1400"}
    ipam_options: {driver: host-local}
    containers: {}
    used_by: []
actions:
  description: Actions taken, in order. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: [created network app]
diff:
  description: Differences by option, before and after the task.
  returned: success
  type: dict
  sample:
    before: {labels.tier: null}
    after: {labels.tier: web}
    before_header: app
    after_header: app
plan:
  description: The same differences, with what each change requires. C(cost) is empty, C(live) or C(recreate).
  returned: success
  type: dict
  sample:
    cost: live
    changes: [{option: labels.tier, before: null, after: web, change: live}]
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {network_create: 0.0007}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: in_use
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("network")


if __name__ == "__main__":
    main()
