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
      - Bring a file that is there up to date. With V(false) it is left alone, whatever it holds.
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
      - Name or number of the group that the files belong to.
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
      - Set by the action plugin, which brings files from the controller. Not for playbooks.
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
    - Each path that has changed, or in check mode would, relative to the nearest directory that was there, and in which ways.
      The first thousand.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The path.
      type: str
    changes:
      description: >-
        C(create), C(content), C(owner), C(group), C(mode), C(kind) (a file became a symlink, or the like) or C(delete).
      type: list
      elements: str
  sample: [{path: app.conf, changes: [content, mode]}]
change_count:
  description: How many there are in all.
  returned: success
  type: int
  sample: 1
actions:
  description: What was done. In check mode, what would be.
  returned: success
  type: list
  elements: str
  sample: ["wrote app:/etc/app/local.conf"]
diff:
  description:
    - By path, what was there and what is there now, where the task wants to see differences (C(--diff)).
    - Files are shown as text where they are text and not larger than 64 KiB, else by their size.
  returned: success
  type: list
  elements: dict
  sample: [{before_header: app.conf, after_header: app.conf, before: "a = 1\\n", after: "a = 2\\n"}]
plan:
  description: What each change needs. C(cost) is empty.
  returned: success
  type: dict
  sample: {cost: "", changes: []}
timings:
  description: Seconds that each step took.
  returned: always
  type: dict
  sample: {copy: 0.0213}
error:
  description: Stable code of what went wrong. The things it is about stand beside it under their own keys.
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
