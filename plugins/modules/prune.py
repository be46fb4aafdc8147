#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove unused containers, volumes, networks and images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prune
short_description: Remove unused containers, volumes, networks and images
version_added: 0.1.0
description:
  - Removes containers that have exited, and volumes, networks and images that no container uses.
  - Containers are removed first, so that anything only they used is removed in the same task.
  - Running containers are never removed, nor is anything that a remaining container uses, even one that was only
    created. A container is also kept while another one needs it, while it waits for a restart, and while it has a
    checkpoint.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  container:
    description: Remove containers that have exited or were never started. Their anonymous volumes are kept.
    type: bool
    default: false
  container_filters:
    description:
      - Remove only containers that match all of these filters. The keys are those of C(podman ps --filter). C(until)
        refers to the time of creation.
    type: dict
  image:
    description: Remove images that no container uses. Without O(image_filters), only those without a name.
    type: bool
    default: false
  image_filters:
    description:
      - Remove only images that match all of these filters. The keys are those of C(podman images --filter).
      - C(dangling_only=false) includes images with a name. C(external) has no effect.
    type: dict
  image_keep_last:
    description: See O(slipway.oci.image_prune#module:keep_last).
    type: int
  image_blobs:
    description: See O(slipway.oci.image_prune#module:blobs).
    type: bool
    default: false
  network:
    description: Remove networks that no container uses. The default network is kept.
    type: bool
    default: false
  network_filters:
    description: Remove only networks that match all of these filters. The keys are those of C(podman network ls
      --filter).
    type: dict
  volume:
    description:
      - Remove volumes that no container uses, B(including their data) and their snapshots.
      - A volume that is mounted on the host (O(slipway.oci.volume#module:state=mounted)) is kept.
    type: bool
    default: false
  volume_filters:
    description: Remove only volumes that match all of these filters. The keys are those of C(podman volume ls
      --filter).
    type: dict
  system:
    description: Remove unused containers, networks and images.
    type: bool
    default: false
  system_all:
    description: With O(system), remove unused images that have a name as well.
    type: bool
    default: false
  system_volumes:
    description: With O(system), remove unused volumes as well.
    type: bool
    default: false
seealso:
  - module: slipway.oci.image_prune
"""

EXAMPLES = r"""
- name: Remove containers created more than a day ago that have exited, and networks that only they used
  slipway.oci.prune:
    container: true
    container_filters:
      until: 24h
    network: true

- name: Remove the volumes left by a test
  slipway.oci.prune:
    volume: true
    volume_filters:
      label:
        stage: test

- name: Remove everything unused except volumes
  slipway.oci.prune:
    system: true
    system_all: true
"""

RETURN = r"""
container:
  description: IDs of the containers that were removed.
  returned: when containers are pruned
  type: list
  elements: str
  sample: []
volume:
  description: Names of the volumes that were removed.
  returned: when volumes are pruned
  type: list
  elements: str
  sample: []
network:
  description: Names of the networks that were removed.
  returned: when networks are pruned
  type: list
  elements: str
  sample: []
image:
  description: IDs of the images that were removed.
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
    run_task("prune")


if __name__ == "__main__":
    main()
