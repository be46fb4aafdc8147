#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what containers have changed in their files."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_diff
short_description: Tell which files a container has added, changed and deleted
version_added: 0.1.0
description:
  - Compares the root file system of a container with its image, whether it runs or not, as C(podman diff) does.
  - What is in volumes and other mounts is not part of it, nor are the files that every container gets at its start.
  - A file that was replaced by the same one counts as changed.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes.info
author:
  - Slipway authors (@slipway)
options:
  container:
    description:
      - Name or id of the container. One that was made with C(rootfs) stands on no image, and can't be compared.
    type: str
    required: true
    aliases: [name]
seealso:
  - module: slipway.oci.container_export
"""

EXAMPLES = r"""
- name: See what the container has written beside its volumes
  slipway.oci.container_diff:
    container: app
  register: written
"""

RETURN = r"""
added:
  description: Paths that the image does not have.
  returned: success
  type: list
  elements: str
  sample: [/etc/app/local.conf]
changed_paths:
  description: Paths that are in the image too. A directory is among them when something in it was added or deleted.
  returned: success
  type: list
  elements: str
  sample: [/etc/app]
deleted:
  description: Paths of the image that the container does not have.
  returned: success
  type: list
  elements: str
  sample: [/etc/app/old.conf]
timings:
  description: Seconds that each step took.
  returned: always
  type: dict
  sample: {}
error:
  description: Stable code of what went wrong. The things it is about stand beside it under their own keys.
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
