#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_remove
short_description: Remove an image
version_added: 0.1.0
description:
  - Removes a name of an image, and with its last name the image and the layers that no other image has.
  - An image that is not there is no change.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.podman.quadlet
  - slipway.oci.podman.build
  - slipway.oci.podman.image
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  name:
    description:
      - Name or id of the image.
      - It fails when a container was made from the image, naming it.
    type: str
    required: true
  force:
    description:
      - Whether all names of the image are removed, and so the image. An image that a container was made from
        is not removed all the same.
    type: bool
    default: false
seealso:
  - module: slipway.oci.image_info
"""

EXAMPLES = r"""
- name: Remove an image
  slipway.oci.image_remove:
    name: localhost/tree:1
"""

RETURN = r"""
image:
  description: Empty, since the image is not there any more under that name.
  returned: success
  type: dict
  sample: {}
actions:
  description: What was done, in order. In check mode, what would be.
  returned: success
  type: list
  elements: str
  sample: ["removed image localhost/tree:1"]
diff:
  description: What differs, by option, before and after.
  returned: success
  type: dict
  sample: {before: {}, after: {}, before_header: "localhost/tree:1", after_header: "localhost/tree:1"}
plan:
  description: The same with what each change needs. C(cost) is empty or C(live).
  returned: success
  type: dict
  sample: {cost: "", changes: []}
timings:
  description: Seconds that each step took.
  returned: always
  type: dict
  sample: {image_remove: 0.0312}
error:
  description: Stable code of what went wrong. The things it is about stand beside it under their own keys.
  returned: failure
  type: str
  sample: in_use
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("image_remove")


if __name__ == "__main__":
    main()
