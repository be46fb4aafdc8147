#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what happened."""

from __future__ import annotations

DOCUMENTATION = r"""
module: events_info
short_description: Tell what happened to containers, volumes, images and networks
version_added: 0.1.0
description:
  - Returns the events that the engine has kept, oldest first. It keeps the newest 10000.
  - Among the events of a container are V(create), V(mount), V(init), V(start), V(died), V(stop), V(unmount), V(cleanup),
    V(restart), V(pause), V(unpause), V(kill), V(rename), V(exec), V(exec_died), V(export), V(health_status) and V(remove).
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.attributes.info
author:
  - Slipway authors (@slipway)
options:
  name:
    description:
      - Names or ids of containers. Only events of these are returned.
      - Unset means events of all things. An empty list asks for none.
    type: list
    elements: str
  since:
    description:
      - Only events of this time and later, as in V(10m) (so long ago), V(2026-11-24T10:00:00Z), V(2026-11-24) or
        seconds since 1970.
    type: str
  until:
    description:
      - Only events of this time and earlier, written as O(since).
    type: str
  filters:
    description:
      - Only events that fit, each filter written as V(KEY=VALUE).
      - The keys are V(event), V(type) (V(container), V(volume), V(image) or V(network)), and each of these types with a
        name or id.
      - Of several filters with the same key one has to fit, and so of each key.
    type: list
    elements: str
    default: []
  limit:
    description:
      - Only so many of them, the newest.
    type: int
seealso:
  - module: slipway.oci.container_info
"""

EXAMPLES = r"""
- name: Tell what happened to a container in the last hour
  slipway.oci.events_info:
    name: app
    since: 1h
  register: found

- name: Tell which containers ended last
  slipway.oci.events_info:
    filters: [event=died]
    limit: 5
  register: ends
"""

RETURN = r"""
events:
  description: The events, oldest first.
  returned: success
  type: list
  elements: dict
  contains:
    Time:
      description: When it happened, in UTC.
      type: str
      returned: always
    Type:
      description: What it happened to, V(container), V(volume), V(image) or V(network).
      type: str
      returned: always
    Status:
      description: What happened.
      type: str
      returned: always
    ID:
      description: Id of the thing.
      type: str
      returned: always
    Name:
      description: Name of the thing at that time.
      type: str
      returned: always
    Attributes:
      description: More about it, such as C(exit_code).
      type: dict
      returned: always
    seq:
      description: Number of the event; a later one has a higher number.
      type: int
      returned: always
  sample:
    - Time: "2026-11-24T10:00:00.000000000Z"
      Type: container
      Status: died
      ID: 1f0a6c1bd6d0b7d2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f80912
      Name: app
      Attributes: {exit_code: "1"}
      seq: 42
timings:
  description: Seconds that each step took.
  returned: always
  type: dict
  sample: {}
error:
  description: Stable code of what went wrong. The things it is about stand beside it under their own keys.
  returned: failure
  type: str
  sample: invalid_option
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("events_info", looks=True)


if __name__ == "__main__":
    main()
