#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have files in volumes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_content
short_description: Have files in a volume
version_added: 0.1.0
description:
  - Has files and directories of the controller or the host, contents and rendered templates in a volume.
    Options have the names of M(ansible.builtin.copy).
  - Containers may have the volume and run. None is needed.
  - Files are compared by their content. What is right already is not touched, and the same task once more changes nothing.
  - Each file is replaced as a whole. A task that is killed leaves the old file or the new one, and nothing half-written.
  - Paths are resolved inside the volume. A symlink never leads out of it, not even one that a container puts there meanwhile.
  - A volume that holds something is not filled from an image any more.
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
    aliases: [volume]
  src:
    description:
      - The file or directory to have in the volume.
      - A directory goes into O(dest) under its own name. One that ends with C(/) or C(/.) stands for what is in it.
      - A symlink there is followed. Those below a directory are copied as symlinks unless O(local_follow) is set.
      - Devices, FIFOs and sockets are not copied. They are an error unless O(exclude) names them.
    type: str
  remote_src:
    description:
      - O(src) is on the host. With V(false) it is on the controller, where it is looked for as M(ansible.builtin.copy) does, and
        files of a vault are decrypted.
    type: bool
    default: false
  files:
    description:
      - Files to have. One of them wins over a file of O(src) at the same place.
    type: list
    elements: dict
    suboptions:
      path:
        description:
          - The file, below O(dest). Directories that are missing are made.
        type: str
        required: true
      content:
        description:
          - What the file holds. Anything but a text becomes JSON.
        type: raw
      template:
        description:
          - A template of the controller, whose result the file holds.
        type: str
      owner:
        description:
          - Name or number of its user, where it is not O(owner).
        type: str
      group:
        description:
          - Name or number of its group, where it is not O(group).
        type: str
      mode:
        description:
          - Its octal mode, where it is not O(mode).
        type: raw
  dest:
    description:
      - The directory in the volume that all of it goes into. It is made where it is missing.
    type: str
    default: /
  owner:
    description:
      - Name or number of the user that files and directories belong to. Names are those of the host.
      - Unset, what is new belongs to the owner of the volume's own directory, and what is there keeps its owner.
    type: str
  group:
    description:
      - Name or number of the group. Unset, as with O(owner).
    type: str
  mode:
    description:
      - Octal mode of all files, as in V('0644'). Unset or with V(preserve), that of the source.
      - New files of O(files) have V('0644') unless something is said, and those that are there keep theirs.
    type: raw
  directory_mode:
    description:
      - Octal mode of all directories. Unset, new ones have that of the source, and those that are there keep theirs.
    type: raw
  exclude:
    description:
      - Patterns of what is neither written nor deleted. C(*) and C(?) stop at a slash, C(**) does not.
      - A pattern with a slash counts from O(dest), one without fits at any depth.
    type: list
    elements: str
  delete:
    description:
      - Delete what is in O(dest) and neither in O(src) nor in O(files). C(lost+found) of a file system stays.
    type: bool
    default: false
  overwrite:
    description:
      - Replace a directory by something else, or something else by a directory. Otherwise that is an error.
    type: bool
    default: false
  local_follow:
    description:
      - Copy what symlinks below O(src) lead to.
    type: bool
    default: false
  parcel:
    description:
      - Set by the action plugin, which brings files from the controller. Not for playbooks.
    type: path
notes:
  - Extended attributes, ACLs and file capabilities are not copied. Names of one file become files of their own.
seealso:
  - module: slipway.oci.volume_import
  - module: slipway.oci.volume_snapshot
  - module: slipway.oci.container_copy
"""

EXAMPLES = r"""
- name: Have the configuration of the host in a volume, and nothing else there
  slipway.oci.volume_content:
    name: app-data
    src: /srv/tree/
    remote_src: true
    dest: /conf
    owner: "1000"
    directory_mode: "0750"
    exclude: ["*.bak"]
    delete: true

- name: Have two files
  slipway.oci.volume_content:
    name: app-data
    files:
      - path: settings.json
        content: {mode: production}
      - path: secrets/token
        content: "{{ app_token | default('none') }}"
        mode: "0600"
"""

RETURN = r"""
changes:
  description:
    - Each path that has changed, or in check mode would, relative to the nearest directory of O(dest) that was there, and in
      which ways. The first thousand.
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
  sample: [{path: settings.json, changes: [content]}]
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
  sample: ["changed the content of volume app-data"]
diff:
  description:
    - By path, what was there and what is there now, where the task wants to see differences (C(--diff)).
    - Files are shown as text where they are text and not larger than 64 KiB, else by their size.
  returned: success
  type: list
  elements: dict
  sample: [{before_header: a.conf, after_header: a.conf, before: "a = 1\\n", after: "a = 2\\n"}]
plan:
  description: What each change needs. C(cost) is empty.
  returned: success
  type: dict
  sample: {cost: "", changes: []}
timings:
  description: Seconds that each step took.
  returned: always
  type: dict
  sample: {content: 0.0213}
error:
  description: Stable code of what went wrong. The things it is about stand beside it under their own keys.
  returned: failure
  type: str
  sample: kind_differs
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("volume_content")


if __name__ == "__main__":
    main()
