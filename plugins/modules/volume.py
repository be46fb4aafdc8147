#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make and remove named volumes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: volume
short_description: Make, label and remove named volumes
version_added: 0.1.0
description:
  - Makes, labels and removes a named volume. Options have the names of M(containers.podman.podman_volume).
  - A new volume is empty. The first container that mounts it fills it with what its image has at that place.
  - Data is removed by O(state=absent) and by nothing else.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  name:
    description:
      - Name of the volume.
    type: str
    required: true
  state:
    description:
      - V(present) has the volume, with these labels.
      - V(absent) removes it with its data. It fails when a container has the volume, naming it.
    type: str
    default: present
    choices: [present, absent]
  label:
    description:
      - Labels of the volume. A change touches no data.
    type: dict
    aliases: [labels]
  driver:
    description:
      - Driver of the volume. Only V(local) is built so far.
      - Unset is V(local).
    type: str
  options:
    description:
      - Not built yet. Options of the driver.
    type: list
    elements: str
  recreate:
    description:
      - Not built yet. Whether the volume is made anew, and its data lost.
    type: bool
    default: false
seealso:
  - module: slipway.oci.volume_info
  - module: slipway.oci.container
"""

EXAMPLES = r"""
- name: Have a volume
  slipway.oci.volume:
    name: app-cache
    labels: {tier: cache}

- name: Remove it and all that it holds
  slipway.oci.volume:
    name: app-cache
    state: absent
"""

RETURN = r"""
volume:
  description: The volume in the shape of C(podman volume inspect). Empty when there is none (any more).
  returned: success
  type: dict
  contains:
    Name:
      description: Name of the volume.
      type: str
      returned: always
    Mountpoint:
      description: Directory on the host that holds the data.
      type: str
      returned: always
    Driver:
      description: Always V(local).
      type: str
      returned: always
    Labels:
      description: Labels of the volume.
      type: dict
      returned: always
    CreatedAt:
      description: When the volume was made.
      type: str
      returned: always
    used_by:
      description: Names of the containers that have the volume.
      type: list
      elements: str
      returned: always
    populated_from:
      description: Image id, path and amount of what the volume was filled with, null if it was not.
      type: dict
      returned: always
  sample:
    Name: app-data
    Mountpoint: /var/lib/slipway/volumes/app-data/data
    Driver: local
    Labels: {tier: db}
    CreatedAt: "2026-11-23T22:17:37.123456789Z"
    used_by: [app]
    populated_from: null
actions:
  description: What was done, in order. In check mode, what would be.
  returned: success
  type: list
  elements: str
  sample: [created volume app-data]
diff:
  description: What differs, by option, before and after.
  returned: success
  type: dict
  sample:
    before: {labels.tier: null}
    after: {labels.tier: db}
    before_header: app-data
    after_header: app-data
plan:
  description: The same with what each change needs. C(cost) is empty or C(live).
  returned: success
  type: dict
  sample:
    cost: live
    changes: [{option: labels.tier, before: null, after: db, change: live}]
timings:
  description: Seconds that each step took.
  returned: always
  type: dict
  sample: {volume_create: 0.0007}
error:
  description: Stable code of what went wrong. The things it is about stand beside it under their own keys.
  returned: failure
  type: str
  sample: in_use
"""

from ..module_utils._module.installed import use_installed

use_installed()

from ..module_utils._engine.lifecycle.engine import Engine
from ..module_utils._engine.lifecycle.outcome import Outcome
from ..module_utils._engine.lifecycle.volumes import converge_volume
from ..module_utils._module.runner import run
from ..module_utils._module.to_volume import VolumeRequest, to_volume

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "label": {"type": "dict", "aliases": ["labels"]},
    "driver": {"type": "str"},
    "options": {"type": "list", "elements": "str"},
    "recreate": {"type": "bool", "default": False},
}


def act(engine: Engine, request: VolumeRequest) -> Outcome:
    """Bring the volume to what the task asks for."""
    return converge_volume(engine, request.spec, request.state)


def main() -> None:
    """Run the module."""
    run(ARGUMENTS, to_volume, act)


if __name__ == "__main__":
    main()
