#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore containers from their checkpoints."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_restore
short_description: Restore a container from its checkpoint
version_added: 0.1.0
description:
  - Restores the processes of a container, with their memory, from the checkpoint that
    M(slipway.oci.container_checkpoint) has created. A running container is left unchanged.
  - With O(import), a new container is created from an archive. It gets a new ID. Its image and the host directories
    that it mounts must exist. The whole archive is verified before anything is created. If the restore fails, nothing
    of the container remains.
  - The checkpoint is removed once the container is restored, unless O(keep) is set.
  - Restore only archives from sources that you trust. An invalid archive is refused, but an archive determines the
    processes and the privileges of the container, just as a playbook does.
  - Requires the same OCI runtime and the same type of processor as the checkpoint, and CRIU as
    M(slipway.oci.container_checkpoint) does.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
requirements:
  - C(criu) 3.17 or newer, and C(runc) or a C(crun) that was built with CRIU support
options:
  name:
    description:
      - Name or ID of the container. With O(import), the name of the new container, by default the name that it had.
    type: str
  import:
    description:
      - Path of an archive on the host, written by O(slipway.oci.container_checkpoint#module:export).
      - If the container of that name was created from this archive and is running, nothing is done. If another
        container has the name, it is left alone, and the task fails.
      - A custom log path (C(path) of O(slipway.oci.container#module:log_opt)) is not restored. The log is written to
        the container's own directory.
    type: path
    aliases: [src]
  keep:
    description:
      - Keep the checkpoint and CRIU's log and statistics.
    type: bool
    default: false
  tcp_established:
    description:
      - Restore established TCP connections. The checkpoint must have been created with the same option.
    type: bool
    default: false
  file_locks:
    description:
      - Restore file locks. The checkpoint must have been created with the same option.
    type: bool
    default: false
  ignore_rootfs:
    description:
      - Do not restore what the container wrote to its root file system from the archive.
    type: bool
    default: false
  ignore_volumes:
    description:
      - Do not restore the content of volumes from the archive. Without this option, the task fails if a named volume
        already exists.
    type: bool
    default: false
seealso:
  - module: slipway.oci.container_checkpoint
  - module: slipway.oci.container
"""

EXAMPLES = r"""
- name: Restore the container after the reboot
  slipway.oci.container_restore:
    name: app

- name: Create a container from an archive under another name
  slipway.oci.container_restore:
    name: app-2
    import: /srv/app.checkpoint.tar.zst
    ignore_volumes: true
"""

RETURN = r"""
container:
  description: The container, in the format of C(podman inspect). Empty in check mode if it would be created.
  returned: success
  type: dict
  contains:
    State:
      description: C(Status), C(Pid), C(Checkpointed), C(Restored), C(RestoredAt) and more.
      type: dict
      returned: always
  sample: {Name: app, State: {Status: running, Restored: true}}
actions:
  description: Actions taken, in order. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: [restored app]
diff:
  description: Differences by option, before and after the task.
  returned: success
  type: dict
  sample: {before: {state: checkpointed}, after: {state: running}, before_header: app, after_header: app}
plan:
  description: The same differences, with what each change requires. C(cost) is empty or C(live).
  returned: success
  type: dict
  sample: {cost: live, changes: [{option: state, before: checkpointed, after: running, change: live}]}
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {runtime_restore: 0.3121}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: wrong_state
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("container_restore")


if __name__ == "__main__":
    main()
