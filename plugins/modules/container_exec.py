#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run commands in running containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_exec
short_description: Run a command in a running container
version_added: 0.1.0
description:
  - Runs a command in a running container, and returns its exit status and output. The options are named as in
    M(containers.podman.podman_container_exec), those for input and output as in M(ansible.builtin.command).
  - Fails if the exit status is not 0. The command is not run by a shell, neither on the host nor in the container.
  - The task always reports a change, unless O(creates) or O(removes) show that there was nothing to do.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes.exec
author:
  - Slipway authors (@slipway)
options:
  name:
    description:
      - Name or ID of the container. It must be running.
    type: str
    required: true
  command:
    description:
      - The command, as a list, or as a string that is split into words as a shell would. Mutually exclusive with
        O(argv).
    type: raw
  argv:
    description:
      - The command as a list of words. Mutually exclusive with O(command).
    type: list
    elements: str
  env:
    description:
      - Environment variables, added to the container's own.
    type: dict
  user:
    description:
      - User, or C(user:group), by name or number. Names are looked up in the container's C(/etc/passwd) and
        C(/etc/group).
      - The default is the container's user.
    type: str
  workdir:
    description:
      - Working directory in the container.
      - The default is the container's working directory.
    type: str
  privileged:
    description:
      - Give the command all capabilities of the host.
    type: bool
    default: false
  tty:
    description:
      - Allocate a terminal for the command. Both of its output streams are then returned in RV(stdout), with the line
        endings of a terminal.
    type: bool
    default: false
  detach:
    description:
      - Do not wait for the command. Its session is listed in C(ExecIDs) of the container while it runs, and the event
        C(exec_died) reports its exit status. Its output is discarded.
    type: bool
    default: false
  stdin:
    description:
      - Text for the command's standard input.
    type: str
  stdin_add_newline:
    description:
      - Append a newline to O(stdin).
    type: bool
    default: true
  strip_empty_ends:
    description:
      - Strip leading and trailing empty lines from RV(stdout) and RV(stderr).
    type: bool
    default: true
  timeout:
    description:
      - Seconds after which the command and all processes that it started are killed.
      - If unset, there is no limit. Processes that the command leaves in the background when it exits are neither
        waited for nor killed.
    type: int
  creates:
    description:
      - Absolute path in the container, including its volumes. If it exists, the command is not run.
    type: str
  removes:
    description:
      - Absolute path in the container, including its volumes. If it does not exist, the command is not run.
    type: str
seealso:
  - module: slipway.oci.container
  - module: slipway.oci.container_info
"""

EXAMPLES = r"""
- name: Read a file with a command in the container
  slipway.oci.container_exec:
    name: app
    command: cat /data/table.db
  register: said
  changed_when: false

- name: Create a file once, as another user
  slipway.oci.container_exec:
    name: app
    argv: [/bin/sh, -c, "echo $GREETING > /tmp/greeting"]
    env: {GREETING: hello}
    user: "1000:1000"
    creates: /tmp/greeting

- name: Pass standard input to a command
  slipway.oci.container_exec:
    name: app
    command: cat
    stdin: one line
    timeout: 30
  changed_when: false
"""

RETURN = r"""
rc:
  description:
    - Exit status of the command. If a signal killed it, 128 plus the number of the signal.
    - 126 if the command cannot be executed, 127 if it does not exist, 125 if the engine failed.
  returned: when the command was run and waited for
  type: int
  sample: 0
stdout:
  description: Standard output of the command until it exited. If it exceeds 1 MiB, only the first part is returned,
    with a warning.
  returned: when the command was run and waited for
  type: str
  sample: first row
stderr:
  description: Standard error of the command. If it exceeds 1 MiB, only the first part is returned, with a warning.
  returned: when the command was run and waited for
  type: str
  sample: ""
exec_id:
  description: ID of the exec session.
  returned: when the command was run
  type: str
  sample: 04a9bc0ebb5c9bd2d8fb8ea2c6a8d4c2c5b7a0b0a3b7a8a4fae4d6f9c3e1a2b5
actions:
  description: Actions taken. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: [ran cat in app]
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {exec: 0.0312}
error:
  description: Stable code of the error.
  returned: failure
  type: str
  sample: wrong_state
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("container_exec")


if __name__ == "__main__":
    main()
