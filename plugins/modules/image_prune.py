#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove images that nobody uses."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_prune
short_description: Remove images that nobody uses
version_added: 0.1.0
description:
  - Removes images that no container has, whether it runs, has ended or was only created, and that none mounts.
  - Without options only images without a name are removed, which are left when a name goes to a newer image.
  - It may run while images are pulled, loaded and used.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  all:
    description: Whether images with a name are removed as well.
    type: bool
    default: false
  keep_last:
    description:
      - Keep so many images of each repository, those that came to this host last, and remove what is older, names or not.
      - An image that a container has stays in any case, and counts. An image in two repositories stays if one of them keeps it.
    type: int
  until:
    description:
      - Only images that were built before this time, as in V(240h) (so long ago), V(2026-11-24) or V(2026-11-24T10:00:00Z).
    type: str
  label:
    description: Only images that have all of these labels, each C(NAME) or C(NAME=VALUE).
    type: list
    elements: str
    aliases: [labels]
  filters:
    description:
      - Only images that all of these take, with the keys of C(podman images --filter), namely C(id), C(reference),
        C(dangling), C(label), C(label!), C(until), C(before), C(since).
      - A value may be a list, of which one has to fit (of labels each).
    type: dict
  blobs:
    description:
      - Whether, of images that stay, the layers as they came from a registry are removed.
      - Images run without them. Pushing or saving such an image makes them anew, maybe with other digests, and a layer
        that is damaged on the disk has to be pulled again.
      - It is done only where they can be made anew.
    type: bool
    default: false
seealso:
  - module: slipway.oci.prune
  - module: slipway.oci.image_remove
  - module: slipway.oci.image_info
"""

EXAMPLES = r"""
- name: Remove images without a name
  slipway.oci.image_prune:

- name: Keep the last three images of each repository of ours
  slipway.oci.image_prune:
    keep_last: 3
    filters:
      reference: "registry.example/team/*"

- name: Remove test images that nobody uses
  slipway.oci.image_prune:
    all: true
    label: stage=test

- name: Remove all that nobody uses and that was built half a year ago
  slipway.oci.image_prune:
    all: true
    until: 4320h
"""

RETURN = r"""
image:
  description: Ids of the images that were removed.
  returned: when images are looked at
  type: list
  elements: str
  sample: ["8e1d60d6b6fdc2b1b8a1a1e1a5f5c0a7e7d3b9f6c1a2b3c4d5e6f708192a3b4c"]
images_deleted:
  description: The same with names and the bytes of all layers, of which other images may have some.
  returned: when images are looked at
  type: list
  elements: dict
  sample: [{Id: 8e1d60d6b6fd, RepoTags: ["localhost/app:1"], Size: 48230912}]
space_reclaimed:
  description:
    - Bytes that this freed, or would free.
    - A layer that an image has which stays counts for nothing. While an image is being pulled, blobs that no image has stay
      until the next removal.
  returned: success
  type: int
  sample: 20480000
actions:
  description: What was done, in order. In check mode, what would be.
  returned: success
  type: list
  elements: str
  sample: ["removed image localhost/app:1"]
diff:
  description: What differs, by option, before and after. Empty, since nothing is altered but removed.
  returned: success
  type: dict
  sample: {before: {}, after: {}, before_header: "", after_header: ""}
plan:
  description: The same with what each change needs.
  returned: success
  type: dict
  sample: {cost: "", changes: []}
timings:
  description: Seconds that each step took.
  returned: always
  type: dict
  sample: {image_prune: 0.0312}
error:
  description: Stable code of what went wrong. The things it is about stand beside it under their own keys.
  returned: failure
  type: str
  sample: invalid_option
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("image_prune")


if __name__ == "__main__":
    main()
