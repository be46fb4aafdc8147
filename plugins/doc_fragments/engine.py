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
    type: path
    default: /run/slipway
  runtime:
    description:
      - Name or path of the OCI runtime.
      - Unset, C(crun) is taken where it is installed, else C(runc).
    type: str
  cgroup_manager:
    description:
      - Who makes the control groups of containers.
      - V(systemd) is not built yet and refused.
    type: str
    default: cgroupfs
    choices: [cgroupfs, systemd]
requirements:
  - Python 3.9 or newer on the host
  - Root on the host (C(become=true))
  - C(crun) 1.8 or C(runc) 1.1, and C(conmon) 2.1 to start containers (role P(slipway.oci.host#role))
"""
