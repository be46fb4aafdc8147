#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find stages of builds that were built before."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_cache
short_description: Use the stage of a build that was built before
version_added: 0.1.0
description:
  - Looks for the image that M(slipway.oci.container_commit) has made of a container from the image O(parent) with this key
    (O(slipway.oci.container_commit#module:cache_key)), and gives it a name.
  - RV(hit) tells whether there is one. Where there is none, a play builds the stage.
  - An image that was loaded or came from elsewhere is found as well as one that was made on this host.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  parent:
    description:
      - Name or id of the image that the stage stands on. Another image of that name is another stage.
    type: str
    required: true
  key:
    description:
      - What the stage is made of, as a text, or a list or mapping of anything. It is compared as a whole.
    type: raw
    required: true
  image:
    description:
      - What the image is to be called. A name without a registry is prefixed with C(localhost/). The default tag is
        C(latest).
      - An image that had the name before loses it, but is not removed. Unset leaves all names as they are.
    type: str
    aliases: [name]
seealso:
  - module: slipway.oci.container_commit
"""

EXAMPLES = r"""
- name: Use the stage that was built before, if there is one
  slipway.oci.image_cache:
    parent: localhost/app:1
    key: [plugin, "1.4"]
    image: localhost/app-plugin:1
  register: stage
"""

RETURN = r"""
hit:
  description: Whether there is such an image.
  returned: success
  type: bool
  sample: true
image:
  description: The image, in the format of C(podman image inspect), or empty.
  returned: success
  type: dict
  contains:
    Id:
      description: Id of the image, the digest of its configuration.
      type: str
      returned: always
    RepoTags:
      description: Names of the image.
      type: list
      elements: str
      returned: always
    Created:
      description: When the image was built.
      type: str
      returned: always
    Architecture:
      description: CPU architecture of the image.
      type: str
      returned: always
    Config:
      description: "Configuration of the image: command, environment, user and more."
      type: dict
      returned: always
    RootFS:
      description: Digests of the layers, lowest first.
      type: dict
      returned: always
    History:
      description: How the image was built, step by step.
      type: list
      elements: dict
      returned: always
  sample:
    Id: 8e1d60d6b6fdc2b1b8a1a1e1a5f5c0a7e7d3b9f6c1a2b3c4d5e6f708192a3b4c
    RepoTags: ["localhost/app:2"]
    Architecture: amd64
    Os: linux
    Config: {Cmd: [/bin/server], Env: [PATH=/bin], WorkingDir: /}
actions:
  description: Actions taken, in order. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: ["named image 8e1d60d6b6fd as localhost/app-plugin:1"]
diff:
  description: Differences by option, before and after the task.
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
    run_task("image_cache")


if __name__ == "__main__":
    main()
