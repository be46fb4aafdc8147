#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell about containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_info
short_description: Tell about containers
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
      - Names or ids of the containers to return. One that does not exist is left out.
      - If unset, all are returned. An empty list returns none.
    type: list
    elements: str
  label:
    description:
      - Return only those that have all of these labels, each V(NAME) or V(NAME=VALUE).
      - What counts is what a task gave to the container, not what the image has.
    type: list
    elements: str
    aliases: [labels]
  size:
    description:
      - Measure what each container takes on the disk. RV(containers[].SizeRootFs) is what its image's layers take,
        RV(containers[].SizeRw) what it has written itself, both in bytes.
      - Takes time in proportion to the number of files that the container has written. With storage driver V(vfs) these are
        the files that differ from the image's in kind, owner, mode, size or time, and all files are looked at.
    type: bool
    default: false
  explain:
    description:
      - Say why each container is in its state, in RV(containers[].explain).
    type: bool
    default: false
  logs:
    description:
      - Return the last lines that each container wrote, in RV(containers[].logs).
    type: bool
    default: false
  log_tail:
    description:
      - How many lines O(logs) returns at most, from V(1) to V(10000). Of more than 1 MiB of text the end is returned.
    type: int
    default: 100
seealso:
  - module: slipway.oci.container
"""

EXAMPLES = r"""
- name: Tell about all containers
  slipway.oci.container_info:
  register: everything

- name: Tell about the containers that somebody has made
  slipway.oci.container_info:
    label: [slipway.oci.owner=tests]
  register: theirs

- name: Tell about one container, and what it takes on the disk
  slipway.oci.container_info:
    name: app
    size: true
  register: found

- name: Explain why a container does not run
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
      description: Id of the container.
      type: str
      returned: always
    Name:
      description: Name of the container.
      type: str
      returned: always
    Image:
      description: Id of the image.
      type: str
      returned: always
    ImageName:
      description: Name of the image, in full while the image has it, else as the task wrote it.
      type: str
      returned: always
    State:
      description:
        - Among others C(Status), C(Running), C(Pid), C(ExitCode), C(OOMKilled), C(StartedAt), C(FinishedAt).
      type: dict
      returned: always
    RestartCount:
      description: How often the container was started again by its restart policy.
      type: int
      returned: always
    Mounts:
      description: What is mounted, each with C(Type), C(Name), C(Source), C(Destination), C(RW) and more.
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
      description: Bytes that the layers of the image take.
      type: int
      returned: O(size=true)
    SizeRw:
      description: Bytes that the container has written into its root file system.
      type: int
      returned: O(size=true)
    explain:
      description:
        - Sentences that say why the container is in its state, what matters most first. How it ended and who ended it, its
          restart policy and next restart, its health, what it needs, and what is missing.
      type: list
      elements: str
      returned: O(explain=true)
      sample:
        - "app exited 2 minutes ago with exit status 1: its program failed."
        - "Its restart policy no does not restart it."
    logs:
      description: The last lines that the container wrote, the runs before included, oldest first.
      type: list
      elements: dict
      returned: O(logs=true)
      contains:
        time:
          description: When it was written, in UTC.
          type: str
          returned: always
        stream:
          description: Where to, V(stdout) or V(stderr).
          type: str
          returned: always
        text:
          description: The line without its end; of a line longer than 1 MiB its last part.
          type: str
          returned: always
        truncated:
          description: V(true) where it is only the last part of the line.
          type: bool
          returned: when it is
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
