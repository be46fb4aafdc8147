#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return information about volumes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_info
short_description: Return information about volumes
version_added: 0.1.0
description:
  - Returns all volumes of the engine, or the named ones in the order given.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes.info
author:
  - Slipway authors (@slipway)
options:
  name:
    description:
      - Names of the volumes to return. One that does not exist is left out.
      - If unset, all are returned. An empty list returns none.
    type: list
    elements: str
  label:
    description:
      - Return only volumes that have all of these labels, each V(NAME) or V(NAME=VALUE).
    type: list
    elements: str
    aliases: [labels]
seealso:
  - module: slipway.oci.volume
"""

EXAMPLES = r"""
- name: Get information about all volumes
  slipway.oci.volume_info:
  register: everything

- name: Get information about two volumes
  slipway.oci.volume_info:
    name: [app-data, app-cache]
  register: found

- name: Get information about the volumes of one tier
  slipway.oci.volume_info:
    label: [tier=db]
  register: databases
"""

RETURN = r"""
volumes:
  description:
    - The volumes, in the format of C(podman volume inspect).
    - An unknown value is null.
  returned: success
  type: list
  elements: dict
  contains:
    Name:
      description: Name of the volume.
      type: str
      returned: always
    Mountpoint:
      description: Directory on the host that contains the data.
      type: str
      returned: always
    Driver:
      description: Always V(local).
      type: str
      returned: always
    Labels:
      description: Labels of the volume.
      type: dict
      returned: always
    CreatedAt:
      description: Time when the volume was created.
      type: str
      returned: always
    used_by:
      description: Names of the containers that use the volume.
      type: list
      elements: str
      returned: always
    populated_from:
      description: Image ID, path and size of the content that the volume was filled with. Null if it was not filled
        from an image.
      type: dict
      returned: always
    Options:
      description: Driver options, in podman's format.
      type: dict
      returned: always
    UID:
      description: Configured owner of the volume's top directory, 0 by default.
      type: int
      returned: always
    GID:
      description: Configured group of the volume's top directory, 0 by default.
      type: int
      returned: always
    MountCount:
      description: Number of current users of the volume. These are live containers, and the host if
        O(slipway.oci.volume#module:state=mounted).
      type: int
      returned: always
    mounted:
      description: Whether the volume's own file system is mounted. Null for a plain directory.
      type: bool
      returned: always
    stays_mounted:
      description: Whether the volume stays mounted without containers.
      type: bool
      returned: always
    snapshots:
      description: Snapshots of the volume, oldest first, each with C(name), C(created), C(reason), C(entries) and
        C(bytes).
      type: list
      elements: dict
      returned: always
    imported_from:
      description: Path, digest and time of the archive, if the content was last replaced by an import, else null.
      type: dict
      returned: always
    restored_from:
      description: Name and time of the snapshot, if the content was last replaced by a restore, else null.
      type: dict
      returned: always
  sample:
    - Name: app-data
      Mountpoint: /var/lib/slipway/volumes/app-data/data
      Driver: local
      Labels: {tier: db}
      Options: {}
      CreatedAt: "2026-11-23T22:17:37.123456789Z"
      MountCount: 1
      used_by: [app]
      populated_from: null
      snapshots: []
      imported_from: null
      restored_from: null
      mounted: null
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: state_corrupt
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("volume_info", looks=True)


if __name__ == "__main__":
    main()
