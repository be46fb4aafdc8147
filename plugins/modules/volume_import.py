#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace a volume's content with an archive."""

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_import
short_description: Replace a volume's content with that of a tar archive
version_added: 0.1.0
description:
  - Replaces the whole content of a volume with a tar archive on the host, plain or compressed with gzip, bzip2, xz or
    zstd.
  - The archive is unpacked next to the content and then swapped in atomically. A broken archive, a full disk or a
    killed task leaves the volume unchanged.
  - The digest of the archive is recorded with the volume. Importing the same archive again is no change, whatever
    containers have written since.
  - Owners are the numeric IDs of the archive. If the archive has no entry for the volume's top directory, that keeps
    its owner and mode.
  - The volume is not filled from an image afterwards.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
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
  src:
    description:
      - Path of the archive on the host.
    type: path
    required: true
    aliases: [path]
  force:
    description:
      - Replace existing content. With V(false), a volume that is not empty is an error, unless this archive was the
        last one imported.
    type: bool
    default: false
  backup:
    description:
      - Keep the replaced content as a snapshot. See M(slipway.oci.volume_snapshot).
    type: bool
    default: true
notes:
  - A volume cannot be replaced while a running container mounts it, because the container would keep using the old
    content. Stop the container first.
  - A volume that has its own file system cannot be replaced atomically, so the task is refused.
seealso:
  - module: slipway.oci.volume_export
  - module: slipway.oci.volume_snapshot
"""

EXAMPLES = r"""
- name: Fill a volume from an archive once
  slipway.oci.volume_import:
    name: app-seed
    src: /srv/app-data.tar.gz

- name: Replace the content and keep the previous one as a snapshot
  slipway.oci.volume_import:
    name: app-seed
    src: /srv/app-data-first.tar
    force: true
"""

RETURN = r"""
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
  returned: success
  type: str
  sample: before-import-20261125T181500Z
actions:
  description: Actions taken. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: [imported /srv/app-data.tar.gz into volume app-data]
diff:
  description: Digest of the archive that was imported last, before and after the task.
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
  sample: {import: 0.0213}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: not_empty
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("volume_import")


if __name__ == "__main__":
    main()
