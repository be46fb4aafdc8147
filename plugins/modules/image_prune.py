#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove unused images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_prune
short_description: Remove unused images
version_added: 0.1.0
description:
  - Removes images that no container uses, whether it is running, has exited or was only created, and that no container
    mounts.
  - Without options, only images without a name are removed. An image loses its name when a newer image gets it.
  - The module can run while images are pulled, loaded and used.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  all:
    description: Remove unused images that have a name as well.
    type: bool
    default: false
  keep_last:
    description:
      - Number of images to keep in each repository, those that arrived on this host last. Older ones are removed, with
        or without a name.
      - An image that a container uses is always kept, and counts towards the number. An image in two repositories is
        kept if either keeps it.
    type: int
  until:
    description:
      - Remove only images that were built before this time, for example V(240h) (240 hours ago), V(2026-11-24) or
        V(2026-11-24T10:00:00Z).
    type: str
  label:
    description: Remove only images that have all of these labels, each C(NAME) or C(NAME=VALUE).
    type: list
    elements: str
    aliases: [labels]
  filters:
    description:
      - Remove only images that match all of these filters. The keys are those of C(podman images --filter), namely
        C(id), C(reference), C(dangling), C(label), C(label!), C(until), C(before), C(since).
      - A value may be a list. An image must match one of its items (with labels, all of them).
    type: dict
  blobs:
    description:
      - For images that are kept, remove the compressed layers that were downloaded from a registry.
      - Images run without them. Pushing or saving such an image compresses its layers again, possibly with other
        digests, and a layer that is damaged on disk must be pulled again.
      - Only layers that can be compressed again are affected.
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

- name: Keep the last three images of each repository of a team
  slipway.oci.image_prune:
    keep_last: 3
    filters:
      reference: "registry.example/team/*"

- name: Remove unused test images
  slipway.oci.image_prune:
    all: true
    label: stage=test

- name: Remove all unused images that were built more than half a year ago
  slipway.oci.image_prune:
    all: true
    until: 4320h
"""

RETURN = r"""
image:
  description: IDs of the images that were removed.
  returned: when images are pruned
  type: list
  elements: str
  sample: ["8e1d60d6b6fdc2b1b8a1a1e1a5f5c0a7e7d3b9f6c1a2b3c4d5e6f708192a3b4c"]
images_deleted:
  description: The removed images with their names and the total size of their layers in bytes. Other images may share
    some of these layers.
  returned: when images are pruned
  type: list
  elements: dict
  sample: [{Id: 8e1d60d6b6fd, RepoTags: ["localhost/app:1"], Size: 48230912}]
space_reclaimed:
  description:
    - Bytes that were freed. In check mode, bytes that would be freed.
    - Layers shared with an image that is kept are not counted. While an image is being pulled, unused blobs are kept
      until the next removal.
  returned: success
  type: int
  sample: 20480000
actions:
  description: Actions taken, in order. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: ["removed image localhost/app:1"]
diff:
  description: Always empty, because the module removes things and alters none.
  returned: success
  type: dict
  sample: {before: {}, after: {}, before_header: "", after_header: ""}
plan:
  description: The same differences, with what each change requires.
  returned: success
  type: dict
  sample: {cost: "", changes: []}
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {image_prune: 0.0312}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
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
