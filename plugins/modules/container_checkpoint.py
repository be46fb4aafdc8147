#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoint running containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_checkpoint
short_description: Checkpoint a running container, to restore it later
version_added: 0.1.0
description:
  - Writes the processes of a container, with their memory, to disk and stops the container.
    M(slipway.oci.container_restore) restores them from there, for example after a reboot, or on another host from an
    archive.
  - A container that is already checkpointed is left unchanged. Neither its restart policy nor a boot of the host starts
    it. Starting it discards the checkpoint.
  - Whenever the task is killed, either the container keeps running or its checkpoint is complete.
  - Requires CRIU, a kernel that CRIU supports, and an OCI runtime that was built with CRIU support. C(runc) always is,
    Debian's C(crun) is not. If something is missing, the task fails with RV(error=host_lacks), reports the reason, and
    changes nothing.
  - A container cannot be checkpointed if it has O(slipway.oci.container#module:tty), if it shares a namespace with
    another container, or while commands of M(slipway.oci.container_exec) run in it.
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
      - Name or ID of the container. It must be running.
    type: str
    required: true
  leave_running:
    description:
      - Leave the container running. Each run of the task then creates a new checkpoint, which replaces the previous
        one.
    type: bool
    default: false
  keep:
    description:
      - Keep CRIU's log and statistics in the container's directory C(bundle).
    type: bool
    default: false
  tcp_established:
    description:
      - Allow established TCP connections. They are restored with the same option of M(slipway.oci.container_restore),
        provided that the peer has not closed them.
    type: bool
    default: false
  file_locks:
    description:
      - Allow file locks. M(slipway.oci.container_restore) needs the same option.
    type: bool
    default: false
  export:
    description:
      - Path of an archive to write on the host. It contains the checkpoint, the container's configuration
        (C(config.dump), C(spec.dump)), what the container wrote to its root file system, and the content of its
        volumes. Deleted files are recorded as in an image layer. The image itself is not included.
      - The archive is written completely or not at all. It contains the container's memory, including any secrets.
      - For a container that is already checkpointed, it is written if it does not exist.
      - Required for a container with O(slipway.oci.container#module:rm), which is then removed.
    type: path
  compress:
    description:
      - Compression of the archive. The default is V(zstd).
    type: str
    choices: [zstd, gzip, none]
  ignore_rootfs:
    description:
      - Exclude what the container wrote to its root file system from the archive.
    type: bool
    default: false
  ignore_volumes:
    description:
      - Exclude the content of volumes from the archive.
    type: bool
    default: false
seealso:
  - module: slipway.oci.container_restore
  - module: slipway.oci.container
"""

EXAMPLES = r"""
- name: Checkpoint the container before the host shuts down
  slipway.oci.container_checkpoint:
    name: app

- name: Checkpoint the container to an archive, to restore it on another host
  slipway.oci.container_checkpoint:
    name: app
    export: /srv/app.checkpoint.tar.zst
"""

RETURN = r"""
container:
  description:
    - The container, in the format of C(podman inspect). Empty if it was removed. If RV(container.State.Checkpointed) is
      V(true), its last run ended with the checkpoint, and RV(container.State.ExitCode) is null.
  returned: success
  type: dict
  contains:
    State:
      description: C(Status), C(Checkpointed), C(CheckpointedAt), C(CheckpointPath), C(Restored), C(RestoredAt) and more.
      type: dict
      returned: always
      contains:
        Checkpointed:
          description: Whether the last run of the container ended with a checkpoint.
          type: bool
          returned: always
        ExitCode:
          description: Null, because the container has not exited by itself.
          type: int
          returned: always
  sample: {Name: app, State: {Status: exited, Checkpointed: true, ExitCode: null}}
actions:
  description: Actions taken, in order. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: [checkpointed app]
diff:
  description: Differences by option, before and after the task.
  returned: success
  type: dict
  sample: {before: {state: running}, after: {state: checkpointed}, before_header: app, after_header: app}
plan:
  description: The same differences, with what each change requires. C(cost) is empty or C(live).
  returned: success
  type: dict
  sample: {cost: live, changes: [{option: state, before: running, after: checkpointed, change: live}]}
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {checkpoint: 0.4113}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: host_lacks
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("container_checkpoint")


if __name__ == "__main__":
    main()
