#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import volumes' contents."""

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_import
short_description: Replace a volume's content by that of a tar archive
version_added: 0.1.0
description:
  - Replaces all that a volume holds by what is in a tar archive on the host, plain or compressed with gzip, bzip2, xz or zstd.
  - The archive is unpacked beside the content and then takes its place in one step. A broken archive, a full disk and a killed
    task leave the volume as it was.
  - The digest of the archive is kept with the volume. The same archive once more is no change, whatever containers have written
    since.
  - Owners are numbers, as in the archive. Where it says nothing of the volume's own directory that keeps owner and mode.
  - Nothing is copied from an image into the volume afterwards.
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
      - The archive, a file on the host.
    type: path
    required: true
    aliases: [path]
  force:
    description:
      - Replace what the volume holds. With V(false) a volume that holds something, and not from this archive, is an error.
    type: bool
    default: false
  backup:
    description:
      - Keep what is replaced as a snapshot, see M(slipway.oci.volume_snapshot).
    type: bool
    default: true
notes:
  - A volume that a running container has can't be replaced, for the container would go on with the old content. Stop it before.
  - A volume with a file system of its own can't be replaced in one step, and is refused.
seealso:
  - module: slipway.oci.volume_export
  - module: slipway.oci.volume_snapshot
"""

EXAMPLES = r"""
- name: Fill it once from an archive
  slipway.oci.volume_import:
    name: app-seed
    src: /srv/app-data.tar.gz

- name: Have a newer content, and keep the old one as a snapshot
  slipway.oci.volume_import:
    name: app-seed
    src: /srv/app-data-first.tar
    force: true
"""

RETURN = r"""
snapshots:
  description: The snapshots that the volume has now, the oldest first, as M(slipway.oci.volume_info) tells them.
  returned: success
  type: list
  elements: dict
  sample: []
imported_from:
  description: Path, digest and time of the archive that took the place of all content, null if none was the last to do so.
  returned: success
  type: dict
  sample: null
restored_from:
  description: Name and time of the snapshot that took the place of all content, null if none was the last to do so.
  returned: success
  type: dict
  sample: null
kept:
  description: Name of the snapshot that the old content has become, null if it has not.
  returned: success
  type: str
  sample: before-import-20261125T181500Z
actions:
  description: What was done. In check mode, what would be.
  returned: success
  type: list
  elements: str
  sample: [imported /srv/app-data.tar.gz into volume app-data]
diff:
  description: The digest of the archive that the content came of, before and after.
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
  sample: {import: 0.0213}
error:
  description: Stable code of what went wrong. The things it is about stand beside it under their own keys.
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
