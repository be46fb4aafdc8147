#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add names to images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_tag
short_description: Add names to an image
version_added: 0.1.0
description:
  - Adds names to an image on the host. The options are named as in M(containers.podman.podman_tag).
  - The image keeps its existing names. If another image has one of the new names, it loses that name but is not
    removed.
  - Names that the image already has are no change. Use M(slipway.oci.image_remove) to remove a name.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  image:
    description:
      - Name or ID of the image.
    type: str
    required: true
  target_names:
    description:
      - Names to add. Without a registry a name is below C(localhost/), without a tag it is C(latest).
    type: list
    elements: str
    required: true
seealso:
  - module: slipway.oci.image_save
  - module: slipway.oci.image_remove
"""

EXAMPLES = r"""
- name: Tag the image that the site's containers use
  slipway.oci.image_tag:
    image: localhost/app:1
    target_names:
      - localhost/app:stable
      - site.example/app:1
"""

RETURN = r"""
image:
  description: The image, in the format of C(podman image inspect), as with M(slipway.oci.image_load).
  returned: success
  type: dict
  sample: {RepoTags: ["localhost/app:1", "localhost/app:stable"]}
actions:
  description: Actions taken, in order. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: ["tagged image 8e1d60d6b6fd as localhost/app:stable"]
diff:
  description: Names of the image, before and after the task.
  returned: success
  type: dict
  sample: {before: {}, after: {}, before_header: "", after_header: ""}
plan:
  description: The same differences, with what each change requires. C(cost) is empty or C(live).
  returned: success
  type: dict
  sample: {cost: "", changes: []}
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
    run_task("image_tag")


if __name__ == "__main__":
    main()
