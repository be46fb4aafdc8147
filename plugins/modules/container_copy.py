#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy files into containers and out of them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_copy
short_description: Copy files into a container, or out of it
version_added: 0.1.0
description:
  - Copies files and directories between a container and the host, or the controller. Options have the names of
    M(containers.podman.podman_container_copy) and M(ansible.builtin.copy).
  - The container may run, be paused, be stopped, or never have been started. It needs no shell, no Python, no C(tar).
  - Files are compared by their content. What is right already is not touched, and the same task once more changes nothing.
  - Each file is replaced as a whole. A task that is killed leaves the old file or the new one, and nothing half-written.
  - A path in a volume, or in a directory of the host that is mounted, is written there, whether the container runs or not.
    A volume that would be filled from the image at the first start is filled from it before.
  - Paths of the container are resolved inside its root. A symlink never leads out of it, not even one that the container puts
    there during the copy.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
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
  src:
    description:
      - The file or directory to copy.
      - A directory goes into O(dest) under its own name. One that ends with C(/) or C(/.) stands for what is in it.
        Then a new O(dest) has the mode of the directory; directories above it that are new have V(0755).
      - A relative path of the container counts from its working directory, as with C(podman cp).
      - A symlink there is followed. Those below a directory are copied as symlinks unless O(local_follow) is set.
      - Devices, FIFOs and sockets are not copied. They are an error unless O(exclude) names them.
    type: str
    required: true
  dest:
    description:
      - Where to copy to. Directories that are missing are made.
      - The destination of a directory is a directory. That of a file is the new name of the file, or where it ends with C(/) or
        is a directory, the directory that the file goes into.
      - So other than with C(podman cp) a copy means the same whether O(dest) is there already or not, and directories do not nest
        at the second run.
    type: str
    required: true
  from_container:
    description:
      - Copy out of the container. O(src) is a path in it then, else O(dest) is.
    type: bool
    default: false
  remote_src:
    description:
      - The other side is the host. With V(false) it is the controller, where O(src) is looked for as M(ansible.builtin.copy)
        does, files of a vault are decrypted, and O(dest) is relative to the playbook.
    type: bool
    default: true
  archive:
    description:
      - New files belong to the user of the container, or copied out to root. With V(false) owners are those of the source.
      - A file that is there keeps its owner unless O(owner) or O(group) says otherwise, or this is V(false).
    type: bool
    default: true
  overwrite:
    description:
      - Replace a directory by something else, or something else by a directory. Otherwise that is an error.
    type: bool
    default: false
  owner:
    description:
      - Name or number of the user that the files belong to. In the container names are those
        of its own C(/etc/passwd) and C(/etc/group), and numbers those of its user namespace.
    type: str
  group:
    description:
      - Name or number of the group that the files belong to.
    type: str
  mode:
    description:
      - Octal mode of all files, as in V('0644'). Unset or with V(preserve), that of the source.
    type: raw
  directory_mode:
    description:
      - Octal mode of all directories. Unset, new ones have that of the source, and those that are there keep theirs.
    type: raw
  follow:
    description:
      - Where O(dest) is a symlink to a file, write to what it leads to, instead of replacing it.
    type: bool
    default: false
  local_follow:
    description:
      - Copy what symlinks below O(src) lead to.
    type: bool
    default: false
  keep_setuid:
    description:
      - Let files keep setuid and setgid when they are copied out of the container (O(from_container)).
      - Otherwise they lose both, since a program that a container made setuid would be one of the host's.
      - O(mode) is taken as it is written.
    type: bool
    default: false
  exclude:
    description:
      - Patterns of what is neither copied nor deleted. C(*) and C(?) stop at a slash, C(**) does not.
      - A pattern with a slash counts from the top of what is copied, one without fits at any depth.
    type: list
    elements: str
  delete:
    description:
      - Delete what is in the destination's directory and not in the source's. Other file systems mounted below it are kept.
    type: bool
    default: false
  parcel:
    description:
      - Set by the action plugin, which brings files from the controller and to it. Not for playbooks.
    type: path
notes:
  - Extended attributes, ACLs and file capabilities are not copied. Names of one file become files of their own.
  - What is on a tmpfs of the container, as C(/tmp) may be, or in C(/dev), C(/proc) and C(/sys), is there only while it runs.
  - A container that was made with C(read_only) is read-only here too, other than its volumes.
seealso:
  - module: slipway.oci.container_file
  - module: slipway.oci.container_export
"""

EXAMPLES = r"""
- name: Bring configuration of the host into a container
  slipway.oci.container_copy:
    container: app
    src: /srv/conf/
    dest: /etc/app
    owner: root
    mode: "0640"
    exclude: ["*.bak"]
    delete: true

- name: Get its files out
  slipway.oci.container_copy:
    container: app
    src: /etc/app
    dest: /srv/from-app
    from_container: true
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
  sample: ["copied /srv/conf/ to app:/etc/app"]
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
    run_task("container_copy")


if __name__ == "__main__":
    main()
