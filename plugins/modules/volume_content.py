#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage files in volumes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_content
short_description: Manage files in a volume
version_added: 0.1.0
description:
  - Writes files and directories from the controller or the host, literal content and rendered templates to a volume.
    The options are named as in M(ansible.builtin.copy).
  - No container is needed. Containers that use the volume may be running.
  - Files are compared by content. A file that is already right is not touched, so a second run changes nothing.
  - Each file is replaced atomically. A killed task leaves either the old file or the new one, never a partial one.
  - Paths are resolved inside the volume. A symlink never leads out of it, not even one that a container creates during
    the task.
  - A volume that has content is no longer filled from an image.
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
      - File or directory to copy into the volume.
      - A directory is copied into O(dest) under its own name. If the path ends with C(/) or C(/.), its content is
        copied instead.
      - If it is a symlink, it is followed. Symlinks below a directory are copied as symlinks unless O(local_follow) is
        set.
      - Devices, FIFOs and sockets are not copied. They are an error unless O(exclude) matches them.
    type: str
  remote_src:
    description:
      - O(src) is a path on the host. With V(false), it is on the controller, where it is searched for as in
        M(ansible.builtin.copy), and files encrypted with Ansible Vault are decrypted.
    type: bool
    default: false
  files:
    description:
      - Files to write. They take precedence over a file of O(src) at the same path.
    type: list
    elements: dict
    suboptions:
      path:
        description:
          - Path of the file, relative to O(dest). Missing directories are created.
        type: str
        required: true
      content:
        description:
          - Content of the file. Anything but a string is written as JSON.
        type: raw
      template:
        description:
          - Template on the controller that is rendered to the file.
        type: str
      owner:
        description:
          - Name or number of the file's owner, instead of O(owner).
        type: str
      group:
        description:
          - Name or number of the file's group, instead of O(group).
        type: str
      mode:
        description:
          - Octal mode of the file, instead of O(mode).
        type: raw
  dest:
    description:
      - Directory in the volume to write to. It is created if it does not exist.
    type: str
    default: /
  owner:
    description:
      - Name or number of the user that owns the files and directories. Names are those of the host.
      - If unset, new files belong to the owner of the volume's top directory, and existing ones keep their owner.
    type: str
  group:
    description:
      - Name or number of the group. If unset, the same as for O(owner).
    type: str
  mode:
    description:
      - Octal mode of all files, for example V('0644'). If unset or V(preserve), the mode of the source.
      - By default, new files of O(files) get V('0644'), and existing ones keep their mode.
    type: raw
  directory_mode:
    description:
      - Octal mode of all directories. If unset, new directories get the mode of the source, and existing ones keep
        theirs.
    type: raw
  exclude:
    description:
      - Patterns of paths that are neither written nor deleted. C(*) and C(?) do not match a slash, C(**) does.
      - A pattern with a slash is relative to O(dest). One without a slash matches at any depth.
    type: list
    elements: str
  delete:
    description:
      - Delete everything in O(dest) that is neither in O(src) nor in O(files), except a file system's C(lost+found).
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
- name: Copy configuration from the host to a volume, and delete everything else there
  slipway.oci.volume_content:
    name: app-data
    src: /srv/tree/
    remote_src: true
    dest: /conf
    owner: "1000"
    directory_mode: "0750"
    exclude: ["*.bak"]
    delete: true

- name: Write two files
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
