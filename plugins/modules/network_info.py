#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return information about networks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_info
short_description: Return information about networks
version_added: 0.1.0
description:
  - Returns all networks of the engine, or the named ones in the order given.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes.info
author:
  - Slipway authors (@slipway)
options:
  name:
    description:
      - Names or IDs of the networks to return. One that does not exist is left out.
      - If unset, all are returned. An empty list returns none.
    type: list
    elements: str
  label:
    description:
      - Return only networks that have all of these labels, each V(NAME) or V(NAME=VALUE).
    type: list
    elements: str
    aliases: [labels]
seealso:
  - module: slipway.oci.network
"""

EXAMPLES = r"""
- name: Get information about all networks
  slipway.oci.network_info:
  register: everything

- name: Get information about two networks
  slipway.oci.network_info:
    name: [app, db]
  register: found

- name: Get information about the networks of one tier
  slipway.oci.network_info:
    label: [tier=web]
  register: web
"""

RETURN = r"""
networks:
  description:
    - The networks, in the format of C(podman network inspect).
  returned: success
  type: list
  elements: dict
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
    - name: app
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
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: state_corrupt
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("network_info", looks=True)


if __name__ == "__main__":
    main()
