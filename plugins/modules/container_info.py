#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return information about containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_info
short_description: Return information about containers
version_added: 0.1.0
description:
  - Returns all containers of the engine, or the named ones in the order given.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes.info
author:
  - Slipway authors (@slipway)
options:
  name:
    description:
      - Names or IDs of the containers to return. One that does not exist is left out.
      - If unset, all are returned. An empty list returns none.
    type: list
    elements: str
  label:
    description:
      - Return only containers that have all of these labels, each V(NAME) or V(NAME=VALUE).
      - Only labels that a task set on the container count, not those of its image.
    type: list
    elements: str
    aliases: [labels]
  size:
    description:
      - Measure the disk usage of each container. RV(containers[].SizeRootFs) is the size of its image's layers and
        RV(containers[].SizeRw) the size of what it has written itself, both in bytes.
      - The time needed is proportional to the number of files that the container has written. With the storage driver
        V(vfs), all files are compared, and those that differ from the image's in type, owner, mode, size or timestamp
        count as written.
    type: bool
    default: false
  explain:
    description:
      - Explain in RV(containers[].explain) why each container is in its state.
    type: bool
    default: false
  logs:
    description:
      - Return the last lines that each container wrote in RV(containers[].logs).
    type: bool
    default: false
  log_tail:
    description:
      - Maximum number of lines that O(logs) returns, from V(1) to V(10000). If they exceed 1 MiB, only the last 1 MiB
        is returned.
    type: int
    default: 100
seealso:
  - module: slipway.oci.container
"""

EXAMPLES = r"""
- name: Get information about all containers
  slipway.oci.container_info:
  register: everything

- name: Get information about the containers of one owner
  slipway.oci.container_info:
    label: [slipway.oci.owner=tests]
  register: theirs

- name: Get information about one container and its disk usage
  slipway.oci.container_info:
    name: app
    size: true
  register: found

- name: Explain why a container is not running
  slipway.oci.container_info:
    name: app
    explain: true
  register: explained

- name: Read the last lines that a container wrote
  slipway.oci.container_info:
    name: app
    logs: true
    log_tail: 20
  register: written
"""

RETURN = r"""
containers:
  description:
    - The containers, in the format of C(podman inspect).
    - An unknown value is null.
  returned: success
  type: list
  elements: dict
  contains:
    Id:
      description: ID of the container.
      type: str
      returned: always
    Name:
      description: Name of the container.
      type: str
      returned: always
    Image:
      description: ID of the image.
      type: str
      returned: always
    ImageName:
      description: Full name of the image, or the name as written in the task if the image no longer has it.
      type: str
      returned: always
    State:
      description:
        - C(Status), C(Running), C(Pid), C(ExitCode), C(OOMKilled), C(StartedAt), C(FinishedAt) and more.
      type: dict
      returned: always
    RestartCount:
      description: Number of times that the restart policy has restarted the container.
      type: int
      returned: always
    Mounts:
      description: Mounts of the container, each with C(Type), C(Name), C(Source), C(Destination), C(RW) and more.
      type: list
      elements: dict
      returned: always
    Config:
      description: Command, environment, labels and more.
      type: dict
      returned: always
    HostConfig:
      description: Limits, capabilities, network mode and more.
      type: dict
      returned: always
    SizeRootFs:
      description: Size of the image's layers in bytes.
      type: int
      returned: O(size=true)
    SizeRw:
      description: Size in bytes of what the container has written to its root file system.
      type: int
      returned: O(size=true)
    explain:
      description:
        - Sentences that explain the container's state, most important first. They cover how it exited and what stopped
          it, its restart policy and next restart, its health, what it depends on, and what is missing.
      type: list
      elements: str
      returned: O(explain=true)
      sample:
        - "app exited 2 minutes ago with exit status 1: its program failed."
        - "Its restart policy no does not restart it."
    logs:
      description: The last lines that the container wrote, including those of earlier runs, oldest first.
      type: list
      elements: dict
      returned: O(logs=true)
      contains:
        time:
          description: Time when the line was written, in UTC.
          type: str
          returned: always
        stream:
          description: Stream that it was written to, V(stdout) or V(stderr).
          type: str
          returned: always
        text:
          description: The line without its newline. Of a line longer than 1 MiB, only the last part.
          type: str
          returned: always
        truncated:
          description: V(true) if RV(containers[].logs[].text) is only the last part of the line.
          type: bool
          returned: when the line is truncated
      sample:
        - {time: "2026-11-23T22:46:05.605346076Z", stream: stdout, text: "listening on port 8080"}
  sample:
    - Id: 1f0a6c1bd6d0b7d2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f80912
      Name: app
      ImageName: localhost/app:1
      State: {Status: running, Running: true, Pid: 4711, ExitCode: 0, OOMKilled: false}
      RestartCount: 0
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: state_corrupt
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("container_info", looks=True)


if __name__ == "__main__":
    main()
