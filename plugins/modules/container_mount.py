#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep containers' root file systems mounted on the host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_mount
short_description: Keep a container's root file system mounted for tools on the host
version_added: 0.1.0
description:
  - Mounts the root file system of a container on the host, whether the container runs or not, as C(podman mount) does, and tells
    where. Scanners, C(rsync) and other tools that know no containers can work on it there.
  - It stays mounted over starts and stops of the container until the state is V(unmounted), the container is removed, or the host
    is rebooted. Volumes are not mounted there.
  - Symlinks in it are the container's, and may lead anywhere on the host for a tool that follows them. To copy files, use
    M(slipway.oci.container_copy), which resolves paths inside the container.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  container:
    description:
      - Name or id of the container.
    type: str
    required: true
    aliases: [name]
  state:
    description:
      - With V(mounted), it is mounted. With V(unmounted), it is mounted only while the container runs.
      - Of a container that was made with C(rootfs) nothing has to be mounted, and RV(mountpoint) is its directory.
    type: str
    choices: [mounted, unmounted]
    default: mounted
seealso:
  - module: slipway.oci.container_copy
  - module: slipway.oci.container_export
"""

EXAMPLES = r"""
- name: Have the files of a container in reach
  slipway.oci.container_mount:
    container: app
  register: files

- name: Let go of them
  slipway.oci.container_mount:
    container: app
    state: unmounted
"""

RETURN = r"""
mountpoint:
  description: Where the files are, empty when V(unmounted) was wanted.
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
