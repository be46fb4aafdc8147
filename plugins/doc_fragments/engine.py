# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation fragment: the options that select the engine of a task."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module; C(module_defaults) of group C(slipway.oci.engine) sets them for all tasks."""

    DOCUMENTATION = r"""
options:
  root:
    description:
      - Directory of the data that survives a reboot (images, layers, volumes, the database).
      - Several engines can coexist on one host, each with its own O(root) and O(run_root).
    type: path
    default: /var/lib/slipway
  run_root:
    description:
      - Directory of the data that is lost on a reboot. It should be on a tmpfs.
      - A directory that has been used with another O(root) since the boot is refused.
    type: path
    default: /run/slipway
  runtime:
    description:
      - Name or path of the OCI runtime.
      - The default is C(crun) if it is installed, else C(runc).
    type: str
  cgroup_manager:
    description:
      - The manager of the cgroups of containers and their monitors.
      - With V(systemd), each has its own scope, C(slipway-ID.scope) and C(slipway-conmon-ID-PID.scope).
      - With V(cgroupfs), the cgroups are created below C(/slipway).
      - If unset, an existing container keeps its cgroup manager. A new one gets V(systemd) if systemd is PID 1 and the
        host uses only cgroup v2, else V(cgroupfs).
    type: str
    choices: [cgroupfs, systemd]
  storage_driver:
    description:
      - Storage driver of new containers. An existing container keeps the driver that it was created with.
      - V(overlay) is the kernel's overlayfs. V(fuse-overlayfs) does the same in user space (package C(fuse-overlayfs)),
        for hosts where overlayfs does not work, such as containers. V(vfs) copies the whole image. It works everywhere,
        and on file systems that can share blocks (xfs, btrfs) it takes space only for the differences.
      - If unset, the first of these that works below O(root) is used. This is tested once per boot.
        M(slipway.oci.engine_info) returns the result, and why the others are not used.
    type: str
    choices: [overlay, fuse-overlayfs, vfs]
requirements:
  - Python 3.9 or newer on the host
  - Root on the host (C(become=true))
  - C(crun) 1.8 or C(runc) 1.1, and C(conmon) 2.1, to start containers (the role P(slipway.oci.host#role) installs them)
"""
