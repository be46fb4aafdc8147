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
  - Writes all files of a container, running or not, to a tar archive on the host, both those of its image and its own.
    The options are named as in M(containers.podman.podman_export).
  - Volumes, bind mounts and other file systems mounted in the container are not part of the archive. Their mount points
    are empty directories in it.
  - Owners are recorded as the container sees them. Extended attributes, file capabilities, ACLs, hard links, sparse
    files, devices and timestamps are preserved. Sockets are left out.
  - The archive appears at its path only when it is complete. A failed or killed task leaves the previous file, and
    nothing else.
  - The same files produce the same archive, so a second run changes nothing.
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
      - Name or ID of the container.
    type: str
    required: true
    aliases: [name]
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
    type: str
    choices: [none, gzip, bzip2, xz, zstd]
    default: none
  unsafe_writes:
    description:
      - Has no effect. The file is always replaced atomically.
notes:
  - A running container may change its files while they are read. Stop or pause it first if the archive must be
    consistent.
seealso:
  - module: slipway.oci.image_import
  - module: slipway.oci.container
"""

EXAMPLES = r"""
- name: Export the files of a container
  slipway.oci.container_export:
    container: app
    dest: /srv/app-files.tar

- name: Export them once, compressed, readable by a group
  slipway.oci.container_export:
    container: app
    dest: /srv/app-files.tar.gz
    compression: gzip
    force: false
    mode: "0640"
"""

RETURN = r"""
dest:
  description: Path of the file, with symlinks resolved.
  returned: success
  type: str
  sample: /srv/app-files.tar
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
actions:
  description: Actions taken. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: [exported app to /srv/app-files.tar]
diff:
  description: Digests of an existing file, before and after the task.
  returned: success
  type: dict
  sample: {before: {}, after: {}, before_header: app, after_header: app}
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
    run_task("container_export")


if __name__ == "__main__":
    main()
