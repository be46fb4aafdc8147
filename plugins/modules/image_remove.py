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
  - Removes a name of an image. With its last name, the image is removed, and so are the layers that no other image
    uses.
  - An image that does not exist is no change.
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
      - Name or ID of the image.
      - The task fails if a container uses the image. The message names the container.
    type: str
    required: true
  force:
    description:
      - Remove all names of the image, and so the image. An image that a container uses is still not removed.
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
  description: Always empty.
  returned: success
  type: dict
  sample: {}
actions:
  description: Actions taken, in order. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: ["removed image localhost/tree:1"]
diff:
  description: Differences by option, before and after the task.
  returned: success
  type: dict
  sample: {before: {}, after: {}, before_header: "localhost/tree:1", after_header: "localhost/tree:1"}
plan:
  description: The same differences, with what each change requires. C(cost) is empty or C(live).
  returned: success
  type: dict
  sample: {cost: "", changes: []}
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {image_remove: 0.0312}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
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
