#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have networks, change them or remove them."""

from __future__ import annotations

# `make generated` writes the options, from _module/tasks/network_options.py.
DOCUMENTATION = r"""
module: network
short_description: Manage networks of containers
version_added: 0.1.0
description:
  - Makes a network, changes its labels, or removes it. What of a network can't be changed needs it made anew, which is
    done while no container is attached to it, and refused while one is.
  - The options are those of M(containers.podman.podman_network). What a task does not say of an existing network, it
    keeps, but for its labels.
  - The network V(slipway), which containers have whose tasks name none, is made at first need, and may be made with
    other options before.
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
      - V(present) has the network as the task says. Its bridge is made for the first container in it.
      - V(absent) removes it. It fails when containers are attached to it, naming them.
    type: str
    default: present
    choices: [present, absent]
  driver:
    description:
      - "V(bridge): a bridge of its own on the host, which leads out by the host's address."
      - "V(macvlan) and V(ipvlan): interfaces beside one of the host, the C(parent) of O(opt), straight on its network."
      - "V(cni): the plugins (Container Network Interface, version 0.3.1 to 1.1) of the list that C(conflist) of O(opt)
        names. They decide addresses, routes and all else; their results are shown as those of other drivers are."
      - Unset is V(bridge), or what an existing network has.
    type: str
    choices: [bridge, macvlan, ipvlan, cni]
  subnet:
    description:
      - Subnets in CIDR notation, at most one of each IP version where O(ipv6) is to add the other.
      - "Unset: the engine chooses a subnet that is clear of all routes of the host and of all other networks,
        V(10.89.0.0/24) if it can. An existing network keeps those that it has."
      - One that overlaps another network is refused, and so is one that overlaps a route of the host which is directly
        connected, or leads to a part of it. Within a wider route to a gateway it is the more specific one.
    type: list
    elements: str
  gateway:
    description:
      - Gateways, the first one of the first O(subnet), and so on. An empty text is unset.
      - Unset is the first address of the subnet. With V(internal=true) and V(disable_dns=true) there is none.
    type: list
    elements: str
  ip_range:
    description:
      - The addresses that containers get where their tasks name none, as V(10.1.0.128/25) or V(10.1.0.10-10.1.0.20).
        The first one is of the first O(subnet), and so on. An empty text is unset.
      - Unset is the whole subnet.
    type: list
    elements: str
  net_config:
    description:
      - The same, a subnet at a time.
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
          - Its gateway.
        type: str
      ip_range:
        description:
          - The addresses to give out.
        type: str
  ipv6:
    description:
      - "Whether the network has both versions of IP: a subnet is chosen for that one of which none is named."
      - A network whose O(subnet) is of IPv6 has IPv6 without this.
    type: bool
  internal:
    description:
      - Whether nothing outside of the network can be reached from it, and it from nowhere.
    type: bool
  disable_dns:
    description:
      - Whether containers do not find each other by name.
    type: bool
  dns:
    description:
      - Servers that are asked for all names but those of the containers.
      - Unset are those of the host, or what an existing network has. An empty list is those of the host.
    type: list
    elements: str
    aliases: [network_dns_servers]
  interface_name:
    description:
      - Name of the bridge on the host, 15 characters at most. With V(macvlan) and V(ipvlan) it is the C(parent).
      - Unset is a name that is made of the network's id.
    type: str
  macvlan:
    description:
      - Is O(driver=macvlan) with this C(parent).
    type: str
  ipam_driver:
    description:
      - "Who gives out addresses: the engine (V(host-local)) or nobody (V(none)). V(dhcp) is not built yet."
    type: str
    choices: [host-local, dhcp, none]
  opt:
    description:
      - "Options of the driver, as a mapping or as a list of C(key=value). All of them: what an existing network has and
        the task does not say is taken away. Unset leaves them as they are."
      - "C(mtu): the largest packet in bytes. C(metric): the metric of the default route in containers.
        C(no_default_route): whether containers get none."
      - "C(isolate), of V(bridge): V(true) keeps the network apart from others that are isolated, V(strict) from all.
        C(vlan), of V(bridge): the VLAN of its ports."
      - "C(mode), of V(bridge): V(managed), or V(unmanaged), which takes the bridge O(interface_name) of the host as it
        is. Of V(macvlan): V(bridge), V(private), V(vepa) or V(passthru). Of V(ipvlan): V(l2), V(l3) or V(l3s)."
      - "C(parent), of V(macvlan) and V(ipvlan): the interface of the host. Unset is that of the default route."
      - "C(conflist), of V(cni): the name of a list of plugins in C(/etc/cni/net.d), or the path of one. Unset is the
        list that has the name of the network."
      - Docker's C(com.docker.network.driver.mtu) and C(com.docker.network.bridge.name) are C(mtu) and
        O(interface_name).
    type: raw
    aliases: [options]
  route:
    description:
      - Routes of each container, as V(DESTINATION,GATEWAY) or V(DESTINATION,GATEWAY,METRIC), the gateway being in a
        subnet of the network. An empty list is none.
    type: list
    elements: str
  label:
    description:
      - Labels of the network. They change without anything else.
    type: dict
    aliases: [labels]
  recreate:
    description:
      - "Whether an existing network is removed and made anew in any case. Containers that are attached are detached for
        that and attached again: they run on, keep the addresses that are in its subnets, and get others else. An
        address that a container has asked for and that is in none of them is refused."
      - Without it, what needs that (all but O(label)) is done while no container is attached, and is refused while one
        is.
    type: bool
    default: false
  force:
    description:
      - Whether containers that are attached to the network are detached first, for O(state=absent). They run on without
        it; those that are in no other network have V(none) then, and no published ports.
    type: bool
    default: false
seealso:
  - module: slipway.oci.network_info
  - module: slipway.oci.container
"""

EXAMPLES = r"""
- name: Have a network, with a subnet that is free
  slipway.oci.network:
    name: app
    labels: {tier: web}

- name: Have a network of both versions of IP
  slipway.oci.network:
    name: both
    subnet: [10.231.7.0/24, "fd00:231:7::/64"]
    gateway: [10.231.7.1, "fd00:231:7::1"]
    ip_range: [10.231.7.128/25]
    interface_name: both0

- name: Have a network that leads nowhere, for databases
  slipway.oci.network:
    name: db
    internal: true
    opt: {mtu: 1400, isolate: true}

- name: Let containers of a network ask a name server of their own
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
    - The network in the shape of C(podman network inspect). Empty when there is none (any more).
  returned: success
  type: dict
  contains:
    name:
      description: Name of the network.
      type: str
      returned: always
    id:
      description: Id of the network, 64 digits.
      type: str
      returned: always
    driver:
      description: V(bridge), V(macvlan) or V(ipvlan).
      type: str
      returned: always
    network_interface:
      description: The bridge on the host, which is made for the first container; of other drivers the parent.
      type: str
      returned: always
    created:
      description: When the network was made.
      type: str
      returned: always
    subnets:
      description: The subnets in use, each with C(subnet), C(gateway) and C(lease_range) where there are any.
      type: list
      elements: dict
      returned: always
    routes:
      description: Routes of each container, each with C(destination), C(gateway) and C(metric).
      type: list
      elements: dict
      returned: always
    ipv6_enabled:
      description: Whether a subnet is of IPv6.
      type: bool
      returned: always
    internal:
      description: Whether nothing outside of the network can be reached.
      type: bool
      returned: always
    dns_enabled:
      description: Whether containers find each other by name.
      type: bool
      returned: always
    network_dns_servers:
      description: Servers that are asked for all other names.
      type: list
      elements: str
      returned: always
    labels:
      description: Labels of the network.
      type: dict
      returned: always
    options:
      description: Options of the driver.
      type: dict
      returned: always
    ipam_options:
      description: C(driver) says who gives out addresses.
      type: dict
      returned: always
    containers:
      description: The containers that are attached, by id, each with C(name) and C(interfaces).
      type: dict
      returned: always
    used_by:
      description: Names of the containers that are attached.
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
  description: What was done, in order. In check mode, what would be.
  returned: success
  type: list
  elements: str
  sample: [created network app]
diff:
  description: What differs, by option, before and after.
  returned: success
  type: dict
  sample:
    before: {labels.tier: null}
    after: {labels.tier: web}
    before_header: app
    after_header: app
plan:
  description: The same with what each change needs. C(cost) is empty, C(live) or C(recreate).
  returned: success
  type: dict
  sample:
    cost: live
    changes: [{option: labels.tier, before: null, after: web, change: live}]
timings:
  description: Seconds that each step took.
  returned: always
  type: dict
  sample: {network_create: 0.0007}
error:
  description: Stable code of what went wrong. The things it is about stand beside it under their own keys.
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
