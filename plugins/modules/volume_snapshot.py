#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make, remove and restore snapshots of volumes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_snapshot
short_description: Make, remove and restore snapshots of a volume
version_added: 0.1.0
description:
  - A snapshot is a copy of all that a volume holds, kept beside it on the host where no container sees it. Where the file system
    can share blocks (btrfs, xfs) a copy takes no room and hardly any time.
  - Owners, times, extended attributes, ACLs, hard links and sparse files are kept.
  - A snapshot is there wholly or not at all, also after a full disk or a killed task. Snapshots go with their volume.
  - M(slipway.oci.volume_info) lists them.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  name:
    description:
      - Name of the volume.
    type: str
    required: true
    aliases: [volume]
  snapshot:
    description:
      - Name of the snapshot.
      - Unset, with O(state=present), each run makes one that is named by the time, as in C(20261125T181500Z).
    type: str
  state:
    description:
      - V(present), have the snapshot. One that is there stays as it is.
      - V(absent), do not have it.
      - V(restored), have the volume's content be that of the snapshot. It is no change if it was restored from it and nothing has
        changed in the volume since. The snapshot stays.
    type: str
    choices: [present, absent, restored]
    default: present
  keep_last:
    description:
      - Remove all but so many of the newest snapshots. The one that is asked for is never among them.
      - Only those count that tasks have made with O(state=present). What was kept of replaced content
        (C(before-restore-), C(before-import-)) goes only by name.
    type: int
  consistent:
    description:
      - With V(pause), running containers that use the volume are paused while it is read, so that the copy is
        consistent. They are always resumed, even if the task is killed.
      - With V(none) they go on writing. The task may fail then, because of what changes while it is copied.
    type: str
    choices: [pause, none]
    default: pause
  backup:
    description:
      - With O(state=restored), keep what is replaced as a snapshot. With V(false) it is lost.
    type: bool
    default: true
notes:
  - A volume that a running container has can't be restored, for the container would go on with the old content. Stop it before.
  - A volume with a file system of its own can have snapshots, but not be restored in one step, so that is refused.
seealso:
  - module: slipway.oci.volume
  - module: slipway.oci.volume_info
  - module: slipway.oci.volume_export
"""

EXAMPLES = r"""
- name: Have a snapshot from before the upgrade
  slipway.oci.volume_snapshot:
    name: app-seed
    snapshot: before-upgrade

- name: Make one now, and keep the last seven
  slipway.oci.volume_snapshot:
    name: app-seed
    keep_last: 7

- name: Go back to that snapshot
  slipway.oci.volume_snapshot:
    name: app-seed
    snapshot: before-upgrade
    state: restored

- name: Remove a snapshot
  slipway.oci.volume_snapshot:
    name: app-seed
    snapshot: before-upgrade
    state: absent
"""

RETURN = r"""
snapshot:
  description: The snapshot that is there, or that was restored, null in check mode if it would be made and with O(state=absent).
  returned: success
  type: dict
  sample: {name: before-upgrade, created: "2026-11-25T18:15:00.123456789Z", reason: asked, entries: 12, bytes: 40960}
snapshots:
  description: Snapshots of the volume after the task, oldest first, as M(slipway.oci.volume_info) returns them.
  returned: success
  type: list
  elements: dict
  sample: []
imported_from:
  description: Path, digest and time of the archive, if the content was last replaced by an import, else null.
  returned: success
  type: dict
  sample: null
restored_from:
  description: Name and time of the snapshot, if the content was last replaced by a restore, else null.
  returned: success
  type: dict
  sample: null
kept:
  description: Name of the snapshot that holds the previous content, null if none was made.
  returned: state restored
  type: str
  sample: before-restore-20261125T181500Z
paused:
  description: Names of the containers that were paused during the copy.
  returned: state present
  type: list
  elements: str
  sample: []
actions:
  description: Actions taken. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: [created snapshot before-upgrade of volume app-data]
diff:
  description: Always empty.
  returned: success
  type: dict
  sample: {before: {}, after: {}, before_header: app-data, after_header: app-data}
plan:
  description: The same differences, with what each change requires. C(cost) is empty or C(live).
  returned: success
  type: dict
  sample: {cost: "", changes: []}
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {snapshot: 0.0213}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: in_use
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("volume_snapshot")


if __name__ == "__main__":
    main()
