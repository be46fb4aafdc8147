#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, remove and restore snapshots of volumes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_snapshot
short_description: Create, remove and restore snapshots of a volume
version_added: 0.1.0
description:
  - A snapshot is a copy of a volume's content, stored next to it on the host, where no container can see it. On file
    systems that can share blocks (btrfs, xfs), a snapshot takes no extra space and hardly any time.
  - Owners, timestamps, extended attributes, ACLs, hard links and sparse files are preserved.
  - A snapshot is created completely or not at all, even if the disk is full or the task is killed. Snapshots are
    removed with their volume.
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
      - If unset and O(state=present), each run creates one that is named after the current time, for example
        C(20261125T181500Z).
    type: str
  state:
    description:
      - With V(present), the snapshot is created if it does not exist.
      - With V(absent), the snapshot is removed.
      - With V(restored), the volume's content is replaced with the snapshot's. If it was last restored from this
        snapshot and has not changed since, nothing is done. The snapshot is kept.
    type: str
    choices: [present, absent, restored]
    default: present
  keep_last:
    description:
      - Remove all snapshots except this many of the newest ones. The snapshot named by O(snapshot) is never removed.
      - Only snapshots created with O(state=present) count. Snapshots of replaced content (C(before-restore-),
        C(before-import-)) are removed only by name.
    type: int
  consistent:
    description:
      - With V(pause), running containers that use the volume are paused while it is read, so that the copy is
        consistent. They are always resumed, even if the task is killed.
      - With V(none), they keep writing, and the task may fail because files change while they are copied.
    type: str
    choices: [pause, none]
    default: pause
  backup:
    description:
      - With O(state=restored), keep the replaced content as a snapshot. With V(false), it is lost.
    type: bool
    default: true
notes:
  - A volume cannot be restored while a running container mounts it, because the container would keep using the old
    content. Stop the container first.
  - A volume that has its own file system can have snapshots, but cannot be restored atomically, so a restore is
    refused.
seealso:
  - module: slipway.oci.volume
  - module: slipway.oci.volume_info
  - module: slipway.oci.volume_export
"""

EXAMPLES = r"""
- name: Create a snapshot before the upgrade
  slipway.oci.volume_snapshot:
    name: app-seed
    snapshot: before-upgrade

- name: Create a snapshot and keep the last seven
  slipway.oci.volume_snapshot:
    name: app-seed
    keep_last: 7

- name: Restore the snapshot
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
  description: The snapshot that exists or was restored. Null with O(state=absent), and in check mode if it would be
    created.
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
  returned: O(state=restored)
  type: str
  sample: before-restore-20261125T181500Z
paused:
  description: Names of the containers that were paused during the copy.
  returned: O(state=present)
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
