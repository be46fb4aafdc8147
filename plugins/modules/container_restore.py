#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let containers go on from their checkpoints."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_restore
short_description: Let a container go on from its checkpoint
version_added: 0.1.0
description:
  - Lets the processes of a container go on from the checkpoint that M(slipway.oci.container_checkpoint) has made, with all that
    they had in memory. A container that runs stays as it is.
  - With O(import) a new container is made of an archive. It gets an id of its own; the image has to be there, as have
    directories of the host that it mounts. All of the archive is read before anything is made. When it can't go on, nothing
    of it stays.
  - A checkpoint is forgotten once the container goes on, unless O(keep) says otherwise.
  - Restore archives from sources that you trust only. What cannot be right in one is refused, but an archive says what
    processes there are and what rights the container has, as a playbook does.
  - Needs the same runtime and the same kind of processor as the checkpoint, and CRIU as M(slipway.oci.container_checkpoint) does.
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
      - Name or id of the container. With O(import), the name of the new one; unset is the name that it had.
    type: str
  import:
    description:
      - Archive on the host that O(slipway.oci.container_checkpoint#module:export) has written.
      - When the container of that name came of it and runs, nothing is done. Another of that name is left alone, and the task
        fails.
      - A log in another place (C(path) of O(slipway.oci.container#module:log_opt)) is kept in the container's own.
    type: path
    aliases: [src]
  keep:
    description:
      - Keep the checkpoint, and CRIU's log and statistics.
    type: bool
    default: false
  tcp_established:
    description:
      - Open the TCP connections again that were established. The checkpoint has to have been made with the same option.
    type: bool
    default: false
  file_locks:
    description:
      - Take locks on files again. The checkpoint has to have been made with the same option.
    type: bool
    default: false
  ignore_rootfs:
    description:
      - Do not take from the archive what the container wrote to its root file system.
    type: bool
    default: false
  ignore_volumes:
    description:
      - Do not take from the archive what volumes hold. Without it the task fails when a named volume is there already.
    type: bool
    default: false
seealso:
  - module: slipway.oci.container_checkpoint
  - module: slipway.oci.container
"""

EXAMPLES = r"""
- name: Let the container go on after the reboot
  slipway.oci.container_restore:
    name: app

- name: Make a container of an archive, under another name
  slipway.oci.container_restore:
    name: app-2
    import: /srv/app.checkpoint.tar.zst
    ignore_volumes: true
"""

RETURN = r"""
container:
  description: The container, in the shape of C(podman inspect); {} in check mode when it is to be made.
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
