#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage files in containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_file
short_description: Manage a file in a container
version_added: 0.1.0
description:
  - Creates, updates or removes a file or directory in a container, running or not.
  - The content comes from the controller, as with M(ansible.builtin.copy) and M(ansible.builtin.template). The
    container needs neither a shell nor Python.
  - A file that already has the content is not touched, so a second run changes nothing.
  - The file is replaced atomically. Its path is resolved inside the container's root, as with
    M(slipway.oci.container_copy).
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  container:
    description:
      - Name or ID of the container.
    type: str
    required: true
    aliases: [name]
  path:
    description:
      - Path in the container. Missing parent directories are created.
      - A relative path is relative to the container's working directory.
    type: str
    required: true
    aliases: [dest]
  state:
    description:
      - With V(present), a file with the content of O(content), O(src) or O(template).
      - With V(directory), a directory.
      - With V(absent), the file or directory is removed. A directory is removed with its content, unless something is
        mounted in it.
    type: str
    choices: [present, absent, directory]
    default: present
  content:
    description:
      - Content of the file. Anything but a string is written as JSON.
    type: str
  src:
    description:
      - File on the controller, searched for as in M(ansible.builtin.copy). A file encrypted with Ansible Vault is
        decrypted.
    type: str
  template:
    description:
      - Jinja2 template on the controller, searched for and rendered as by M(ansible.builtin.template) with its
        defaults.
    type: str
  remote_src:
    description:
      - O(src) is a path on the host.
    type: bool
    default: false
  force:
    description:
      - Update an existing file. With V(false), an existing file is left alone, whatever its content.
    type: bool
    default: true
  owner:
    description:
      - Name or number of the user that owns the files. Names are looked up in the container's C(/etc/passwd) and
        C(/etc/group), and numbers refer to its user namespace.
      - If unset, a new file belongs to the container's user, and an existing one keeps its owner.
    type: str
  group:
    description:
      - Name or number of the group that owns the files.
    type: str
  mode:
    description:
      - Octal mode, for example V('0644'), or V(preserve) for the mode of O(src).
      - If unset, a new file gets V('0644') and a new directory V('0755'). An existing one keeps its mode.
    type: raw
  follow:
    description:
      - If O(path) is a symlink, write to its target instead of replacing the symlink.
    type: bool
    default: false
  parcel:
    description:
      - Set by the action plugin, which transfers files from the controller. Not for use in playbooks.
    type: path
seealso:
  - module: slipway.oci.container_copy
"""

EXAMPLES = r"""
- name: Write a configuration file
  slipway.oci.container_file:
    container: app
    path: /etc/app/local.conf
    content: |
      greeting = hello
    mode: "0644"

- name: Create a directory
  slipway.oci.container_file:
    container: app
    path: /var/cache/app
    state: directory
    mode: "0700"

- name: Remove a file
  slipway.oci.container_file:
    container: app
    path: /etc/app/local.conf
    state: absent
"""

RETURN = r"""
changes:
  description:
    - The first 1000 paths that changed (in check mode, that would change), relative to the nearest existing directory,
      and how each changed.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The path.
      type: str
    changes:
      description: >-
        C(create), C(content), C(owner), C(group), C(mode), C(kind) (for example, a file became a symlink) or C(delete).
      type: list
      elements: str
  sample: [{path: app.conf, changes: [content, mode]}]
change_count:
  description: Total number of changes.
  returned: success
  type: int
  sample: 1
actions:
  description: Actions taken. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: ["wrote app:/etc/app/local.conf"]
diff:
  description:
    - By path, the content before and after the task. Only with C(--diff).
    - Text files of at most 64 KiB are shown in full, others by their size.
  returned: success
  type: list
  elements: dict
  sample: [{before_header: app.conf, after_header: app.conf, before: "a = 1\\n", after: "a = 2\\n"}]
plan:
  description: What each change requires. C(cost) is always empty.
  returned: success
  type: dict
  sample: {cost: "", changes: []}
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {copy: 0.0213}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: read_only
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("container_file")


if __name__ == "__main__":
    main()
