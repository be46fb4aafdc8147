#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return events."""

from __future__ import annotations

DOCUMENTATION = r"""
module: events_info
short_description: Return the events of containers, volumes, images and networks
version_added: 0.1.0
description:
  - Returns the events that the engine has recorded, oldest first. It keeps the newest 10000.
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
      - Names or IDs of containers. Only their events are returned.
      - If unset, events of all objects are returned. An empty list returns none.
    type: list
    elements: str
  since:
    description:
      - Return only events at or after this time, for example V(10m) (10 minutes ago), V(2026-11-24T10:00:00Z),
        V(2026-11-24), or seconds since 1970.
    type: str
  until:
    description:
      - Return only events at or before this time, in the formats of O(since).
    type: str
  filters:
    description:
      - Return only events that match these filters, each written as V(KEY=VALUE).
      - The keys are V(event), V(type) (V(container), V(volume), V(image) or V(network)), and each of these types, whose
        value is a name or ID.
      - An event must match one filter of each key that is given.
    type: list
    elements: str
    default: []
  limit:
    description:
      - Return at most this many events, the newest ones.
    type: int
seealso:
  - module: slipway.oci.container_info
"""

EXAMPLES = r"""
- name: Get the events of a container in the last hour
  slipway.oci.events_info:
    name: app
    since: 1h
  register: found

- name: Find out which containers exited last
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
      description: Time of the event, in UTC.
      type: str
      returned: always
    Type:
      description: "Type of the object: V(container), V(volume), V(image) or V(network)."
      type: str
      returned: always
    Status:
      description: The event.
      type: str
      returned: always
    ID:
      description: ID of the object.
      type: str
      returned: always
    Name:
      description: Name of the object at that time.
      type: str
      returned: always
    Attributes:
      description: Further details, such as C(exit_code).
      type: dict
      returned: always
    seq:
      description: Sequence number. A later event has a higher number.
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
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
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
