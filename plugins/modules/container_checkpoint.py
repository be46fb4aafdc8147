#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make checkpoints of running containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_checkpoint
short_description: Save a running container, to go on from later
version_added: 0.1.0
description:
  - Writes the processes of a container, with all that they have in memory, to the disk, and ends them. Module
    M(slipway.oci.container_restore) lets them go on from there, after a reboot or, by an archive, on another host.
  - A container that is checkpointed already stays as it is. It is not started by its restart policy or by the host's boot;
    starting it begins anew, and forgets the checkpoint.
  - Either the container runs on, or its checkpoint is complete, whatever kills the task.
  - Needs CRIU, a kernel that it knows, and a runtime that was built with it. The C(crun) of Debian was not; C(runc) always is.
    Where it can't work the task fails with RV(error=host_lacks) and says why, and nothing is changed.
  - No checkpoint can be made of a container with O(slipway.oci.container#module:tty), of one that shares a namespace with
    another container, or while commands of M(slipway.oci.container_exec) run in it.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
requirements:
  - C(criu) 3.17 or newer, and C(runc), or a C(crun) that was built with CRIU
options:
  name:
    description:
      - Name or id of the container. It has to run.
    type: str
    required: true
  leave_running:
    description:
      - Let the container run on. Each run of the task makes a checkpoint then, in the place of the one before.
    type: bool
    default: false
  keep:
    description:
      - Keep CRIU's log and statistics, in the container's directory C(bundle).
    type: bool
    default: false
  tcp_established:
    description:
      - Allow established TCP connections. They are open again after a restore with the same option, if the other side has waited.
    type: bool
    default: false
  file_locks:
    description:
      - Allow locks on files. A restore needs the same option.
    type: bool
    default: false
  export:
    description:
      - Archive to write, on the host. It holds the checkpoint, the container's description (C(config.dump), C(spec.dump)),
        what it wrote to its root file system, and what its volumes hold; deleted files are listed as in a layer of an image.
        The image itself is not in it.
      - It is written whole or not at all. What the container has in memory is in it, secrets as well.
      - For a container that is checkpointed already it is written if it is not there.
      - Needed for a container with O(slipway.oci.container#module:rm), which is removed then.
    type: path
  compress:
    description:
      - How the archive is compressed. Unset is V(zstd).
    type: str
    choices: [zstd, gzip, none]
  ignore_rootfs:
    description:
      - Leave out of the archive what the container wrote to its root file system.
    type: bool
    default: false
  ignore_volumes:
    description:
      - Leave out of the archive what volumes hold.
    type: bool
    default: false
seealso:
  - module: slipway.oci.container_restore
  - module: slipway.oci.container
"""

EXAMPLES = r"""
- name: Save the container before the host goes down
  slipway.oci.container_checkpoint:
    name: app

- name: Write an archive of it, to go on elsewhere
  slipway.oci.container_checkpoint:
    name: app
    export: /srv/app.checkpoint.tar.zst
"""

RETURN = r"""
container:
  description:
    - The container, in the shape of C(podman inspect), {} when it was removed. RV(container.State.Checkpointed) tells
      that it ended in its checkpoint; RV(container.State.ExitCode) is null then.
  returned: success
  type: dict
  contains:
    State:
      description: C(Status), C(Checkpointed), C(CheckpointedAt), C(CheckpointPath), C(Restored), C(RestoredAt) and more.
      type: dict
      returned: always
      contains:
        Checkpointed:
          description: Whether its run ended in its checkpoint.
          type: bool
          returned: always
        ExitCode:
          description: Null, since it has not ended by itself.
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
