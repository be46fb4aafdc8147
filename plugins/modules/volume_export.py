#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Export volumes' contents."""

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_export
short_description: Write a volume's content to a tar archive
version_added: 0.1.0
description:
  - Writes all files of a volume to a tar archive on the host, whether containers have it or not. Options have the names of
    M(containers.podman.podman_export).
  - Owners are those on the host. Extended attributes, file capabilities, ACLs, hard links, sparse files, devices and times are
    kept. Sockets are left out.
  - The archive is put in its place when it is whole. A failed or killed task leaves the file that was there, and nothing else.
  - The same files give the same archive, and then the task changes nothing.
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
      - The file to write. Its directory has to be there.
      - A new file can be read by root alone unless O(mode) says otherwise. One that is there keeps owner and mode.
    type: path
    required: true
    aliases: [path]
  force:
    description:
      - Bring a file that is there up to date. With V(false) it is left alone, whatever it holds.
    type: bool
    default: true
  compression:
    description:
      - How to compress the archive. V(zstd) needs the program C(zstd) on the host.
      - Unset, the end of the file's name decides, as in C(.tar.gz), C(.tgz), C(.tar.xz) or C(.tar.zst).
    type: str
    choices: [none, gzip, bzip2, xz, zstd]
  consistent:
    description:
      - With V(pause), containers that run and have the volume stand still while it is read, so that what they wrote fits
        together. They go on in any case, also when the task is killed.
      - With V(none) they go on writing. What comes, goes or changes its size meanwhile does not break the archive.
    type: str
    choices: [pause, none]
    default: pause
  unsafe_writes:
    description:
      - Of no effect. The file is always replaced as a whole.
seealso:
  - module: slipway.oci.volume_import
  - module: slipway.oci.volume_snapshot
"""

EXAMPLES = r"""
- name: Keep the content of a volume
  slipway.oci.volume_export:
    name: app-data
    dest: /srv/app-data.tar.gz

- name: Keep it once, for a group to read, and let containers go on meanwhile
  slipway.oci.volume_export:
    name: app-data
    dest: /srv/app-data-first.tar
    force: false
    consistent: none
    mode: "0640"
"""

RETURN = r"""
dest:
  description: The file, symlinks followed.
  returned: success
  type: str
  sample: /srv/app-data.tar.gz
size:
  description: Its size in bytes, in check mode that of the file that is there.
  returned: success, but in check mode for a file that is not there yet
  type: int
  sample: 2130432
checksum:
  description: Its sha256, in check mode what it would be.
  returned: success, but in check mode for a file that is not there yet
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
paused:
  description: Names of the containers that stood still meanwhile.
  returned: success
  type: list
  elements: str
  sample: []
actions:
  description: What was done. In check mode, what would be.
  returned: success
  type: list
  elements: str
  sample: [exported volume app-data to /srv/app-data.tar.gz]
diff:
  description: The digests of a file that was there, before and after.
  returned: success
  type: dict
  sample: {before: {}, after: {}, before_header: app-data, after_header: app-data}
plan:
  description: The same with what each change needs. C(cost) is empty or C(live).
  returned: success
  type: dict
  sample: {cost: "", changes: []}
timings:
  description: Seconds that each step took.
  returned: always
  type: dict
  sample: {export: 0.0213}
error:
  description: Stable code of what went wrong. The things it is about stand beside it under their own keys.
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
