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
  - Runs a command in a container that runs, and gives back its exit code and what it said.
    Options have the names of M(containers.podman.podman_container_exec), those of input and output are of
    M(ansible.builtin.command).
  - Fails when the exit code is not 0. No shell is involved, neither on the host nor in the container, unless the command is one.
  - The task counts as changed, unless O(creates) or O(removes) say that there was nothing to do.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.attributes.exec
author:
  - Slipway authors (@slipway)
options:
  name:
    description:
      - Name or id of the container. It has to run.
    type: str
    required: true
  command:
    description:
      - The command, as a list, or as one text that is split into words as a shell does. Use either this or O(argv).
    type: raw
  argv:
    description:
      - The command as a list of words. Use either this or O(command).
    type: list
    elements: str
  env:
    description:
      - Environment variables, on top of the container's own.
    type: dict
  user:
    description:
      - User, or C(user:group), by name or number. Names are those of the container's own C(/etc/passwd) and C(/etc/group).
      - Unset is the container's own user.
    type: str
  workdir:
    description:
      - Directory in the container to start in.
      - Unset is the container's own.
    type: str
  privileged:
    description:
      - Give the command all capabilities that the host has.
    type: bool
    default: false
  tty:
    description:
      - Give the command a terminal. Both its streams come as RV(stdout) then, with the line ends of a terminal.
    type: bool
    default: false
  detach:
    description:
      - Do not wait for the command. Its session is in C(ExecIDs) of the container as long as it runs, and the event C(exec_died)
        tells its exit code. What it says is not kept.
    type: bool
    default: false
  stdin:
    description:
      - Text for the command's standard input.
    type: str
  stdin_add_newline:
    description:
      - End O(stdin) with a line end.
    type: bool
    default: true
  strip_empty_ends:
    description:
      - Leave out empty lines at the ends of RV(stdout) and RV(stderr).
    type: bool
    default: true
  timeout:
    description:
      - Seconds after which the command is killed, with all that it started.
      - Unset waits without end. What the command has left in the background when it ends is neither waited for nor killed.
    type: int
  creates:
    description:
      - Absolute path in the container, mounted volumes included. When it is there, the command is not run.
    type: str
  removes:
    description:
      - Absolute path in the container, mounted volumes included. When it is not there, the command is not run.
    type: str
seealso:
  - module: slipway.oci.container
  - module: slipway.oci.container_info
"""

EXAMPLES = r"""
- name: Ask the container something
  slipway.oci.container_exec:
    name: app
    command: cat /data/table.db
  register: said
  changed_when: false

- name: Make a file once, as another user
  slipway.oci.container_exec:
    name: app
    argv: [/bin/sh, -c, "echo $GREETING > /tmp/greeting"]
    env: {GREETING: hello}
    user: "1000:1000"
    creates: /tmp/greeting

- name: Give a command its input
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
    - Exit code of the command, 128 and the number for a signal.
    - 126 for a command that can't be run, 127 for one that is not there, and 125 when the engine failed.
  returned: when the command was run and waited for
  type: int
  sample: 0
stdout:
  description: What it wrote to its standard output until it ended. Of more than 1 MiB the beginning is kept, with a warning.
  returned: when the command was run and waited for
  type: str
  sample: first row
stderr:
  description: What it wrote to its standard error. Of more than 1 MiB the beginning is kept, with a warning.
  returned: when the command was run and waited for
  type: str
  sample: ""
exec_id:
  description: Id of the session.
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
