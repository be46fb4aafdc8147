#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the changes in a container's root file system."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_diff
short_description: Return which files a container has added, changed and deleted
version_added: 0.1.0
description:
  - Compares the root file system of a container, running or not, with its image, as C(podman diff) does.
  - Volumes and other mounts are not compared, nor are the files that the engine writes into every container when it
    starts.
  - A file that was replaced by an identical one counts as changed.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes.info
author:
  - Slipway authors (@slipway)
options:
  container:
    description:
      - Name or ID of the container. A container created with C(rootfs) has no image and cannot be compared.
    type: str
    required: true
    aliases: [name]
seealso:
  - module: slipway.oci.container_export
"""

EXAMPLES = r"""
- name: List what a container has written outside its volumes
  slipway.oci.container_diff:
    container: app
  register: written
"""

RETURN = r"""
added:
  description: Paths that are not in the image.
  returned: success
  type: list
  elements: str
  sample: [/etc/app/local.conf]
changed_paths:
  description: Paths of the image that have changed. A directory counts as changed if something in it was added or
    deleted.
  returned: success
  type: list
  elements: str
  sample: [/etc/app]
deleted:
  description: Paths of the image that the container has deleted.
  returned: success
  type: list
  elements: str
  sample: [/etc/app/old.conf]
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: not_found
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("container_diff", looks=True)


if __name__ == "__main__":
    main()
