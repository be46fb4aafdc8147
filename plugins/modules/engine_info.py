#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return information about the engine and its host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_info
short_description: Return information about the engine and its host
version_added: 0.1.0
description:
  - Returns versions, programs, kernel features, and the number of containers, images and volumes. A missing program is
    null and not an error.
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
- name: Get information about the engine
  slipway.oci.engine_info:
  register: found
"""

RETURN = r"""
engine:
  description: Information about the engine and its host.
  returned: success
  type: dict
  contains:
    version:
      description: Version of the engine.
      type: str
      returned: always
    runtime:
      description: Path, name and version of the OCI runtime, null if none is installed.
      type: dict
      returned: always
    conmon:
      description: Path and version of conmon, null if it is not installed.
      type: dict
      returned: always
    cgroup_version:
      description: "The cgroup setup of the host: V(v1), V(hybrid) or V(v2)."
      type: str
      returned: always
    overlay:
      description: Whether the kernel supports overlayfs.
      type: bool
      returned: always
    storage_driver:
      description: "Storage driver of new containers: V(overlay), V(fuse-overlayfs) or V(vfs)."
      type: str
      returned: always
    storage_lacks:
      description:
        - By name of each other storage driver, the reason why it is not used. For a driver that no task has tried yet,
          only what can be found out without trying it.
        - A driver that O(storage_driver) asks for but that cannot be used is included.
      type: dict
      returned: always
    apparmor_profile:
      description:
        - AppArmor profile of containers that set none with O(slipway.oci.container#module:security_opt).
        - Empty if AppArmor is disabled or C(apparmor_parser) is not installed.
      type: str
      returned: always
    dns:
      description:
        - The resolver of container names in networks.
        - C(name) is V(aardvark-dns), with its path and version, or V(hosts) if that is not installed. With V(hosts),
          the names are written to the containers' C(/etc/hosts).
      type: dict
      returned: always
    firewall:
      description: "Backend of the firewall rules: V(libnftables), V(nft) or V(iptables). Empty if none of them works."
      type: str
      returned: always
    sysctls:
      description:
        - Kernel parameters of the host that the engine has changed for networks since the boot and that still have that
          value. By name as in sysctl(8), each with its value C(before) and C(after).
        - Parameters of the engine's own bridges are not included, because they disappear with the bridge.
      type: dict
      returned: always
    counts:
      description: Number of containers, running containers, images and volumes.
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
