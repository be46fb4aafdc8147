#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell about the engine and its host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_info
short_description: Tell about the engine and what the host has for it
version_added: 0.1.0
description:
  - Returns versions, programs, what the kernel has, and how many things there are. A program that is missing
    is null and no error.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes.info
author:
  - Slipway authors (@slipway)
options: {}
seealso:
  - module: slipway.oci.container_info
"""

EXAMPLES = r"""
- name: Tell about the engine
  slipway.oci.engine_info:
  register: found
"""

RETURN = r"""
engine:
  description: The engine and its host.
  returned: success
  type: dict
  contains:
    version:
      description: Version of the engine.
      type: str
      returned: always
    runtime:
      description: Path, name and version of the OCI runtime, null when there is none.
      type: dict
      returned: always
    conmon:
      description: Path and version of conmon, null when there is none.
      type: dict
      returned: always
    cgroup_version:
      description: How control groups are mounted, V(v1), V(hybrid) or V(v2).
      type: str
      returned: always
    overlay:
      description: Whether the kernel has overlayfs.
      type: bool
      returned: always
    storage_driver:
      description: The storage driver that a new container gets, V(overlay), V(fuse-overlayfs) or V(vfs).
      type: str
      returned: always
    storage_lacks:
      description:
        - Why it is none of the other storage drivers, by their names. What no task has tried yet is told as far as it can be
          without trying.
        - One that O(storage_driver) asks for and that can't be used is here too.
      type: dict
      returned: always
    apparmor_profile:
      description:
        - The AppArmor profile of containers that ask for none by O(slipway.oci.container#module:security_opt).
        - Empty where AppArmor is not enabled, or can't be used for lack of C(apparmor_parser).
      type: str
      returned: always
    dns:
      description:
        - What answers the names of containers in networks.
        - Its C(name) is V(aardvark-dns), with path and version, or V(hosts) where that is not installed. Names are lines in
          C(/etc/hosts) of containers then.
      type: dict
      returned: always
    firewall:
      description: What writes the rules of networks, V(libnftables), V(nft) or V(iptables). Empty where none of them works.
      type: str
      returned: always
    sysctls:
      description:
        - Parameters of the host that the engine has set for networks since the boot, and that still are so, by their names in
          sysctl(8), each with its value C(before) and C(after).
        - Those of the engine's own bridges are not told. They go with the bridge.
      type: dict
      returned: always
    counts:
      description: How many containers, running ones, images and volumes there are.
      type: dict
      returned: always
  sample:
    version: 0.1.0
    root: /var/lib/slipway
    run_root: /run/slipway
    runtime: {name: crun, path: /usr/bin/crun, version: 1.8.1}
    conmon: {path: /usr/bin/conmon, version: 2.1.6}
    kernel: 6.1.0-31-amd64
    architecture: x86_64
    python: 3.11.2
    cgroup_version: v2
    cgroup_manager: cgroupfs
    overlay: true
    storage_driver: overlay
    storage_lacks:
      fuse-overlayfs: fuse-overlayfs is not installed. Install the package fuse-overlayfs
      vfs: overlay is taken
    selinux: false
    apparmor: true
    apparmor_profile: slipway-default-1
    dns: {name: aardvark-dns, path: /usr/lib/podman/aardvark-dns, version: 1.4.0}
    firewall: libnftables
    sysctls:
      net.ipv4.ip_forward: {before: '0', after: '1'}
    counts: {containers: 1, running: 1, images: 1, volumes: 1}
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
    run_task("engine_info", looks=True)


if __name__ == "__main__":
    main()
