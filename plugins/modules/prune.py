#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove what nobody uses: containers, volumes, networks, images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prune
short_description: Remove what nobody uses
version_added: 0.1.0
description:
  - Removes containers that have ended, and volumes, networks and images that no container has.
  - Containers go first, so what only they had goes in the same task.
  - Nothing that runs is touched, nor what a container has that stays, also one that was only created. A container stays
    as long as another one needs it, while it waits for a restart, and with its checkpoint.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  container:
    description: Whether containers are removed that have ended, or were never started. Their anonymous volumes stay.
    type: bool
    default: false
  container_filters:
    description:
      - Only containers that all of these take, with the keys of C(podman ps --filter). C(until) is about when it was created.
    type: dict
  image:
    description: Whether images are removed that no container has. Without O(image_filters) those without a name alone.
    type: bool
    default: false
  image_filters:
    description:
      - Only images that all of these take, with the keys of C(podman images --filter).
      - C(dangling_only=false) takes images with a name as well. C(external) means nothing here.
    type: dict
  image_keep_last:
    description: As O(slipway.oci.image_prune#module:keep_last).
    type: int
  image_blobs:
    description: As O(slipway.oci.image_prune#module:blobs).
    type: bool
    default: false
  network:
    description: Whether networks are removed that no container has. The default network stays.
    type: bool
    default: false
  network_filters:
    description: Only networks that all of these take, with the keys of C(podman network ls --filter).
    type: dict
  volume:
    description:
      - Whether volumes are removed that no container has, B(with all that is in them), and their snapshots.
      - One that is mounted on the host by its task (O(slipway.oci.volume#module:state=mounted)) stays.
    type: bool
    default: false
  volume_filters:
    description: Only volumes that all of these take, with the keys of C(podman volume ls --filter).
    type: dict
  system:
    description: Whether containers, networks and images are pruned.
    type: bool
    default: false
  system_all:
    description: With O(system), whether images with a name are removed as well.
    type: bool
    default: false
  system_volumes:
    description: With O(system), whether volumes are pruned as well.
    type: bool
    default: false
seealso:
  - module: slipway.oci.image_prune
"""

EXAMPLES = r"""
- name: Remove containers that ended more than a day ago, and what only they had
  slipway.oci.prune:
    container: true
    container_filters:
      until: 24h
    network: true

- name: Remove volumes that a test has left
  slipway.oci.prune:
    volume: true
    volume_filters:
      label:
        stage: test

- name: Remove all that nobody uses, but volumes
  slipway.oci.prune:
    system: true
    system_all: true
"""

RETURN = r"""
container:
  description: Ids of the containers that were removed.
  returned: when containers are looked at
  type: list
  elements: str
  sample: []
volume:
  description: Names of the volumes that were removed.
  returned: when volumes are looked at
  type: list
  elements: str
  sample: []
network:
  description: Names of the networks that were removed.
  returned: when networks are looked at
  type: list
  elements: str
  sample: []
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
