#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write files in containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_file
short_description: Write a file in a container from a content, a file or a template
version_added: 0.1.0
description:
  - Has one file in a container, whether it runs or not, or a directory, or has it gone.
  - The content comes from the controller, as with M(ansible.builtin.copy) and M(ansible.builtin.template). The container needs
    no shell and no Python.
  - A file that has the content already is not touched, and the same task once more changes nothing.
  - The file is replaced as a whole. Its path is resolved inside the container's root, as with M(slipway.oci.container_copy).
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  container:
    description:
      - Name or id of the container.
    type: str
    required: true
    aliases: [name]
  path:
    description:
      - The path in the container. Directories above it that are missing are made.
      - A relative one counts from the container's working directory.
    type: str
    required: true
    aliases: [dest]
  state:
    description:
      - With V(present), a file with what O(content), O(src) or O(template) gives.
      - With V(directory), a directory.
      - With V(absent), nothing. A directory goes with all that is in it, unless something is mounted there.
    type: str
    choices: [present, absent, directory]
    default: present
  content:
    description:
      - What the file holds. What is no text becomes JSON.
    type: str
  src:
    description:
      - A file of the controller, looked for as M(ansible.builtin.copy) does. One of a vault is decrypted.
    type: str
  template:
    description:
      - A Jinja2 template of the controller, looked for and rendered as M(ansible.builtin.template) does with its defaults.
    type: str
  remote_src:
    description:
      - O(src) is a file of the host.
    type: bool
    default: false
  force:
    description:
      - Update an existing file. With V(false), an existing file is left alone, whatever its content.
    type: bool
    default: true
  owner:
    description:
      - Name or number of the user that the files belong to. Names are those of
        the container's own C(/etc/passwd) and C(/etc/group), and numbers those of its user namespace.
      - Unset, a new file belongs to the user of the container, and one that is there keeps its owner.
    type: str
  group:
    description:
      - Name or number of the group that owns the files.
    type: str
  mode:
    description:
      - Octal mode, as in V('0644'), or V(preserve) for that of O(src).
      - Unset, a new file has V('0644') and a new directory V('0755'), and what is there keeps its mode.
    type: raw
  follow:
    description:
      - Where O(path) is a symlink, write to what it leads to, instead of replacing it.
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
- name: Have a file of the application
  slipway.oci.container_file:
    container: app
    path: /etc/app/local.conf
    content: |
      greeting = hello
    mode: "0644"

- name: Have a directory for it
  slipway.oci.container_file:
    container: app
    path: /var/cache/app
    state: directory
    mode: "0700"

- name: Have a file gone
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
