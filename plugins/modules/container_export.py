#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Export containers' root file systems."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_export
short_description: Write a container's root file system to a tar archive
version_added: 0.1.0
description:
  - Writes all files of a container, those of its image and its own, to a tar archive on the host, whether it runs or not.
    Options have the names of M(containers.podman.podman_export).
  - Volumes, directories of the host and other file systems that are mounted in the container are not part of the archive.
    Where they are mounted it has empty directories.
  - Owners are those that the container sees. Extended attributes, file capabilities, ACLs, hard links, sparse files, devices
    and times are kept. Sockets are left out.
  - The archive is put in its place when it is whole. A failed or killed task leaves the file that was there, and nothing else.
  - The same files give the same archive, and then the task changes nothing.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.podman.volume
  - slipway.oci.attributes
  - ansible.builtin.files
author:
  - Slipway authors (@slipway)
options:
  container:
    description:
      - Name or id of the container.
    type: str
    required: true
    aliases: [name]
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
    type: str
    choices: [none, gzip, bzip2, xz, zstd]
    default: none
  unsafe_writes:
    description:
      - Of no effect. The file is always replaced as a whole.
notes:
  - A container that runs may change its files while they are read. Stop or pause it first where they have to fit each other.
seealso:
  - module: slipway.oci.image_import
  - module: slipway.oci.container
"""

EXAMPLES = r"""
- name: Keep the files of a container
  slipway.oci.container_export:
    container: app
    dest: /srv/app-files.tar

- name: Keep them once, compressed, for a group to read
  slipway.oci.container_export:
    container: app
    dest: /srv/app-files.tar.gz
    compression: gzip
    force: false
    mode: "0640"
"""

RETURN = r"""
dest:
  description: The file, symlinks followed.
  returned: success
  type: str
  sample: /srv/app-files.tar
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
actions:
  description: What was done. In check mode, what would be.
  returned: success
  type: list
  elements: str
  sample: [exported app to /srv/app-files.tar]
diff:
  description: The digests of a file that was there, before and after.
  returned: success
  type: dict
  sample: {before: {}, after: {}, before_header: app, after_header: app}
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
    run_task("container_export")


if __name__ == "__main__":
    main()
