#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount containers' root file systems on the host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_mount
short_description: Mount a container's root file system on the host
version_added: 0.1.0
description:
  - Mounts the root file system of a container, running or not, on the host, as C(podman mount) does, and returns its
    path. Scanners, C(rsync) and other tools that know nothing of containers can then work on it.
  - It stays mounted when the container starts and stops, until a task sets V(unmounted), the container is removed, or
    the host is rebooted. Volumes are not mounted in it.
  - Symlinks in it are controlled by the container, and may point anywhere on the host for a tool that follows them. To
    copy files, use M(slipway.oci.container_copy), which resolves paths inside the container.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  container:
    description:
      - Name or ID of the container.
    type: str
    required: true
    aliases: [name]
  state:
    description:
      - With V(mounted), the root file system is mounted. With V(unmounted), it is mounted only while the container
        runs.
      - For a container that was created with C(rootfs), nothing is mounted, and RV(mountpoint) is that directory.
    type: str
    choices: [mounted, unmounted]
    default: mounted
seealso:
  - module: slipway.oci.container_copy
  - module: slipway.oci.container_export
"""

EXAMPLES = r"""
- name: Mount the root file system of a container
  slipway.oci.container_mount:
    container: app
  register: files

- name: Unmount the root file system
  slipway.oci.container_mount:
    container: app
    state: unmounted
"""

RETURN = r"""
mountpoint:
  description: Path of the mounted root file system. Empty with O(state=unmounted).
  returned: success
  type: str
  sample: /var/lib/slipway/containers/4f1c/merged
actions:
  description: Actions taken. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: [mounted app]
diff:
  description: Always empty.
  returned: success
  type: dict
  sample: {before: {}, after: {}, before_header: app, after_header: app}
plan:
  description: What each change requires. C(cost) is always empty.
  returned: success
  type: dict
  sample: {cost: "", changes: []}
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {mount: 0.0021}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: not_found
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("container_mount")


if __name__ == "__main__":
    main()
