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
  - Files are compared by content. A file that is already right is not touched, so a second run changes nothing.
  - Each file is replaced atomically. A killed task leaves either the old file or the new one, never a partial one.
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
      - A directory is copied into O(dest) under its own name. If the path ends with C(/) or C(/.), its content is
        copied instead.
      - If it is a symlink, it is followed. Symlinks below a directory are copied as symlinks unless O(local_follow) is
        set.
      - Devices, FIFOs and sockets are not copied. They are an error unless O(exclude) matches them.
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
      - Octal mode of all files, for example V('0644'). If unset or V(preserve), the mode of the source.
      - New files of O(files) have V('0644') unless something is said, and those that are there keep theirs.
    type: raw
  directory_mode:
    description:
      - Octal mode of all directories. If unset, new directories get the mode of the source, and existing ones keep
        theirs.
    type: raw
  exclude:
    description:
      - Patterns of what is neither written nor deleted. C(*) and C(?) do not match a slash, C(**) does.
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
      - Allow a directory to be replaced by something else, or something else by a directory. Otherwise that is an
        error.
    type: bool
    default: false
  local_follow:
    description:
      - Follow symlinks below O(src) and copy their targets.
    type: bool
    default: false
  parcel:
    description:
      - Set by the action plugin, which transfers files from the controller. Not for use in playbooks.
    type: path
notes:
  - Extended attributes, ACLs and file capabilities are not copied. Hard links are copied as separate files.
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
    - The first 1000 paths that changed (in check mode, that would change), relative to the nearest existing directory
      of O(dest), and how each changed.
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
  sample: [{path: settings.json, changes: [content]}]
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
  sample: ["changed the content of volume app-data"]
diff:
  description:
    - By path, the content before and after the task. Only with C(--diff).
    - Text files of at most 64 KiB are shown in full, others by their size.
  returned: success
  type: list
  elements: dict
  sample: [{before_header: a.conf, after_header: a.conf, before: "a = 1\\n", after: "a = 2\\n"}]
plan:
  description: What each change requires. C(cost) is always empty.
  returned: success
  type: dict
  sample: {cost: "", changes: []}
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {content: 0.0213}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
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
