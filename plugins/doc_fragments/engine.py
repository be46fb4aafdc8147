# SPDX-License-Identifier: GPL-3.0-or-later
"""Document the options that tell which engine a task works on."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every module; C(module_defaults) of group C(slipway.oci.engine) sets them for all tasks."""

    DOCUMENTATION = r"""
options:
  root:
    description:
      - Directory of what survives a reboot (images, layers, volumes, the database).
      - Several engines can live side by side on one host, each with a O(root) and a O(run_root) of its own.
    type: path
    default: /var/lib/slipway
  run_root:
    description:
      - Directory of what a reboot empties. It belongs on a tmpfs.
      - One that belongs to another O(root) in this boot is refused.
    type: path
    default: /run/slipway
  runtime:
    description:
      - Name or path of the OCI runtime.
      - Unset, C(crun) is taken where it is installed, else C(runc).
    type: str
  cgroup_manager:
    description:
      - Who makes the control groups of containers and of what watches over them.
      - With V(systemd) each has a scope, C(slipway-ID.scope) and C(slipway-conmon-ID-PID.scope).
      - With V(cgroupfs) they are below C(/slipway).
      - Unset, a container keeps the one that it has. A new one gets V(systemd) where systemd is process 1 and there
        are control groups of version 2 alone, else V(cgroupfs).
    type: str
    choices: [cgroupfs, systemd]
  storage_driver:
    description:
      - How a new container gets a root file system of its own. A container keeps the one that it was created with,
        whatever is written here later.
      - V(overlay) is the kernel's overlayfs. V(fuse-overlayfs) is the same as a program (package C(fuse-overlayfs)), for where
        the kernel's can't, as in a container. V(vfs) is a copy of the whole image; it works everywhere, and takes no more
        room than what differs where the file system can share blocks (xfs, btrfs).
      - Unset, the first of them that works below O(root) is taken. This is tried once for each boot;
        M(slipway.oci.engine_info) tells it, and what the others lack.
    type: str
    choices: [overlay, fuse-overlayfs, vfs]
requirements:
  - Python 3.9 or newer on the host
  - Root on the host (C(become=true))
  - C(crun) 1.8 or C(runc) 1.1, and C(conmon) 2.1 to start containers (role P(slipway.oci.host#role))
"""
