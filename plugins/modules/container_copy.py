#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy files into containers and out of them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_copy
short_description: Copy files into or out of a container
version_added: 0.1.0
description:
  - Copies files and directories between a container and the host or the controller. The options are named as in
    M(containers.podman.podman_container_copy) and M(ansible.builtin.copy).
  - The container may be running, paused, stopped, or never started. It needs no shell, Python or C(tar).
  - Files are compared by content. A file that is already right is not touched, so a second run changes nothing.
  - Each file is replaced atomically. A killed task leaves either the old file or the new one, never a partial one.
  - A path inside a volume or a bind mount is written there, whether the container runs or not. A volume that would be
    filled from the image at the first start is filled first.
  - Paths in the container are resolved inside its root. A symlink never leads out of it, not even one that the
    container creates during the copy.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
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
  src:
    description:
      - File or directory to copy.
      - A directory is copied into O(dest) under its own name. If the path ends with C(/) or C(/.), its content is
        copied instead. A new O(dest) then gets the mode of the directory. New directories above it get V(0755).
      - A relative path in the container is relative to its working directory, as with C(podman cp).
      - If it is a symlink, it is followed. Symlinks below a directory are copied as symlinks unless O(local_follow) is
        set.
      - Devices, FIFOs and sockets are not copied. They are an error unless O(exclude) matches them.
    type: str
    required: true
  dest:
    description:
      - Path to copy to. Missing directories are created.
      - The destination of a directory is a directory. The destination of a file is the path of the copy, or the
        directory to copy it into if it ends with C(/) or is an existing directory.
      - Unlike with C(podman cp), copying a directory does the same whether O(dest) exists or not, so directories do not
        nest on the second run.
    type: str
    required: true
  from_container:
    description:
      - Copy out of the container. O(src) is then the path in the container, otherwise O(dest) is.
    type: bool
    default: false
  remote_src:
    description:
      - The other side of the copy is the host. With V(false), it is the controller, where O(src) is searched for as in
        M(ansible.builtin.copy), files encrypted with Ansible Vault are decrypted, and O(dest) is relative to the
        playbook.
    type: bool
    default: true
  archive:
    description:
      - New files belong to the container's user, or to root when copied out of the container. With V(false), they keep
        the owners of the source.
      - An existing file keeps its owner unless O(owner) or O(group) is set, or this is V(false).
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
      - Name or number of the user that owns the files. For files in the container, names are looked up in its
        C(/etc/passwd) and C(/etc/group), and numbers refer to its user namespace.
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
      - If O(dest) is a symlink to a file, write to its target instead of replacing the symlink.
    type: bool
    default: false
  local_follow:
    description:
      - Follow symlinks below O(src) and copy their targets.
    type: bool
    default: false
  keep_setuid:
    description:
      - Keep the setuid and setgid bits of files that are copied out of the container (O(from_container)).
      - Otherwise they are cleared, because a program that a container made setuid would be a setuid program on the
        host.
      - O(mode) is not affected.
    type: bool
    default: false
  exclude:
    description:
      - Patterns of paths that are neither copied nor deleted. C(*) and C(?) do not match a slash, C(**) does.
      - A pattern with a slash is relative to the top of the copied tree. One without a slash matches at any depth.
    type: list
    elements: str
  delete:
    description:
      - Delete everything in the destination directory that is not in the source. File systems mounted below it are
        kept.
    type: bool
    default: false
  parcel:
    description:
      - Set by the action plugin, which transfers files from and to the controller. Not for use in playbooks.
    type: path
notes:
  - Extended attributes, ACLs and file capabilities are not copied. Hard links are copied as separate files.
  - Files on a tmpfs of the container (C(/tmp), for example), and in C(/dev), C(/proc) and C(/sys), exist only while it
    runs.
  - A container created with C(read_only) is read-only for this module too, except for its volumes.
seealso:
  - module: slipway.oci.container_file
  - module: slipway.oci.container_export
"""

EXAMPLES = r"""
- name: Copy configuration from the host into a container
  slipway.oci.container_copy:
    container: app
    src: /srv/conf/
    dest: /etc/app
    owner: root
    mode: "0640"
    exclude: ["*.bak"]
    delete: true

- name: Copy files out of a container
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
