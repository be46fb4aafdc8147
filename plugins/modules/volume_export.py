#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Export the content of volumes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_export
short_description: Write a volume's content to a tar archive
version_added: 0.1.0
description:
  - Writes all files of a volume to a tar archive on the host, whether containers use the volume or not. The options are
    named as in M(containers.podman.podman_export).
  - Owners are recorded as on the host. Extended attributes, file capabilities, ACLs, hard links, sparse files, devices
    and timestamps are preserved. Sockets are left out.
  - The archive appears at its path only when it is complete. A failed or killed task leaves the previous file, and
    nothing else.
  - The same files produce the same archive, so a second run changes nothing.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes
  - ansible.builtin.files
author:
  - Slipway authors (@slipway)
options:
  name:
    description:
      - Name of the volume.
    type: str
    required: true
    aliases: [volume]
  dest:
    description:
      - File to write. Its directory must exist.
      - A new file is readable only by root unless O(mode) is set. An existing file keeps its owner and mode.
    type: path
    required: true
    aliases: [path]
  force:
    description:
      - Update an existing file. With V(false), an existing file is left alone, whatever its content.
    type: bool
    default: true
  compression:
    description:
      - Compression of the archive. V(zstd) requires the program C(zstd) on the host.
      - If unset, it follows from the extension of O(dest), such as C(.tar.gz), C(.tgz), C(.tar.xz) or C(.tar.zst).
    type: str
    choices: [none, gzip, bzip2, xz, zstd]
  consistent:
    description:
      - With V(pause), running containers that use the volume are paused while it is read, so that the copy is
        consistent. They are always resumed, even if the task is killed.
      - With V(none), they keep writing. Files that appear, disappear or change size meanwhile do not corrupt the
        archive.
    type: str
    choices: [pause, none]
    default: pause
  unsafe_writes:
    description:
      - Has no effect. The file is always replaced atomically.
seealso:
  - module: slipway.oci.volume_import
  - module: slipway.oci.volume_snapshot
"""

EXAMPLES = r"""
- name: Export the content of a volume
  slipway.oci.volume_export:
    name: app-data
    dest: /srv/app-data.tar.gz

- name: Export it once, readable by a group, without pausing containers
  slipway.oci.volume_export:
    name: app-data
    dest: /srv/app-data-first.tar
    force: false
    consistent: none
    mode: "0640"
"""

RETURN = r"""
dest:
  description: Path of the file, with symlinks resolved.
  returned: success
  type: str
  sample: /srv/app-data.tar.gz
size:
  description: Size of the file in bytes. In check mode, the size of the existing file.
  returned: success, except in check mode when the file does not exist yet
  type: int
  sample: 2130432
checksum:
  description: SHA-256 of the file. In check mode, the SHA-256 that it would have.
  returned: success, except in check mode when the file does not exist yet
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
paused:
  description: Names of the containers that were paused during the copy.
  returned: success
  type: list
  elements: str
  sample: []
actions:
  description: Actions taken. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: [exported volume app-data to /srv/app-data.tar.gz]
diff:
  description: Digests of an existing file, before and after the task.
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
  sample: {export: 0.0213}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: not_found
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("volume_export")


if __name__ == "__main__":
    main()
