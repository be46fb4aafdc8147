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
  - Files are compared by content. A file that is already right is not touched, so a second run changes nothing.
  - Each file is replaced atomically. A killed task leaves either the old file or the new one, never a partial one.
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
      - A directory is copied into O(dest) under its own name. If the path ends with C(/) or C(/.), its content is
        copied instead. Then a new O(dest) has the mode of the directory; directories above it that are new have
        V(0755).
      - A relative path of the container counts from its working directory, as with C(podman cp).
      - If it is a symlink, it is followed. Symlinks below a directory are copied as symlinks unless O(local_follow) is
        set.
      - Devices, FIFOs and sockets are not copied. They are an error unless O(exclude) matches them.
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
      - Allow a directory to be replaced by something else, or something else by a directory. Otherwise that is an
        error.
    type: bool
    default: false
  owner:
    description:
      - Name or number of the user that the files belong to. In the container names are those
        of its own C(/etc/passwd) and C(/etc/group), and numbers those of its user namespace.
    type: str
  group:
    description:
      - Name or number of the group that owns the files.
    type: str
  mode:
    description:
      - Octal mode of all files, for example V('0644'). If unset or V(preserve), the mode of the source.
    type: raw
  directory_mode:
    description:
      - Octal mode of all directories. If unset, new directories get the mode of the source, and existing ones keep
        theirs.
    type: raw
  follow:
    description:
      - Where O(dest) is a symlink to a file, write to what it leads to, instead of replacing it.
    type: bool
    default: false
  local_follow:
    description:
      - Follow symlinks below O(src) and copy their targets.
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
      - Patterns of what is neither copied nor deleted. C(*) and C(?) do not match a slash, C(**) does.
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
      - Set by the action plugin, which transfers files from and to the controller. Not for use in playbooks.
    type: path
notes:
  - Extended attributes, ACLs and file capabilities are not copied. Hard links are copied as separate files.
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
  sample: ["copied /srv/conf/ to app:/etc/app"]
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
    run_task("container_copy")


if __name__ == "__main__":
    main()
