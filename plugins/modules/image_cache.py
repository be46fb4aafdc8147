#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find build stages that were built before."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_cache
short_description: Reuse a build stage that was built before
version_added: 0.1.0
description:
  - Looks for an image that M(slipway.oci.container_commit) has created from a container of the image O(parent) with
    this key (O(slipway.oci.container_commit#module:cache_key)), and tags it.
  - RV(hit) returns whether there is such an image. If there is none, the play builds the stage.
  - Images that were loaded or pulled are found as well as those created on this host.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  parent:
    description:
      - Name or ID of the parent image of the stage. If the name refers to a different image later, the stage is a
        different one.
    type: str
    required: true
  key:
    description:
      - Key of the stage, a string, list or mapping of everything that it depends on. It is compared as a whole.
    type: raw
    required: true
  image:
    description:
      - Name to give to the image. A name without a registry is prefixed with C(localhost/). The default tag is
        C(latest).
      - An image that had the name before loses it, but is not removed. If unset, no name changes.
    type: str
    aliases: [name]
seealso:
  - module: slipway.oci.container_commit
"""

EXAMPLES = r"""
- name: Reuse the stage if it was built before
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
  description: The image, in the format of C(podman image inspect). Empty if none was found.
  returned: success
  type: dict
  contains:
    Id:
      description: ID of the image, the digest of its configuration.
      type: str
      returned: always
    RepoTags:
      description: Names of the image.
      type: list
      elements: str
      returned: always
    Created:
      description: Time when the image was built.
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
      description: Build history of the image, step by step.
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
