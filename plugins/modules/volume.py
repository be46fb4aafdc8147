#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, update, mount and remove named volumes."""

from __future__ import annotations

# `make generated` writes the options, from _module/tasks/volume_options.py.
DOCUMENTATION = r"""
module: volume
short_description: Create, update, mount and remove named volumes
version_added: 0.1.0
description:
  - Creates, updates, mounts and removes a named volume. The options are named as in M(containers.podman.podman_volume).
  - A new volume is empty. When the first container mounts it, it is filled with the content of that container's image
    at the mount point (copy-up).
  - A volume is a directory of the engine, or has its own file system (a tmpfs, a disk, an image file, an NFS export,
    another directory, an overlay). Its own file system is mounted while containers that use the volume are live, and
    unmounted otherwise. The content of a tmpfs is then lost, also on a restart.
  - Data is removed only by O(state=absent) and by O(recreate=true), never by a changed option. Even then, the content
    of a device, a server or another directory is not removed.
  - Copy-up is all or nothing, and is done only while the volume is empty. A volume that contains only the empty
    directory V(lost+found) of a new file system counts as empty. In a volume with its own file system, names that begin
    with V(.slipway-copyup) are reserved for the engine.
extends_documentation_fragment:
  - slipway.oci.engine
  - slipway.oci.podman
  - slipway.oci.podman.debug
  - slipway.oci.podman.quadlet
  - slipway.oci.attributes
author:
  - Slipway authors (@slipway)
options:
  name:
    description:
      - Name of the volume.
    type: str
    required: true
  state:
    description:
      - Desired state of the volume. V(present) ensures that it exists, with the labels and options of the task.
      - V(absent) removes the volume and its data. It fails if containers use the volume, and names them.
      - V(mounted) is V(present), and also mounts the volume's own file system for tools on the host. It stays mounted
        until V(unmounted), independently of containers, and the boot unit mounts it again after a reboot. A plain
        directory needs no mount.
      - V(unmounted) reverts V(mounted). The volume stays mounted while running containers use it. It fails if the
        volume does not exist.
      - With V(mounted) and V(unmounted), an existing volume keeps the labels that the task does not set.
    type: str
    default: present
    choices: [present, absent, mounted, unmounted]
  label:
    description:
      - Labels of the volume. Changing them does not touch the data.
    type: dict
    aliases: [labels]
  driver:
    description:
      - Driver of the volume. Only V(local) is implemented.
      - Defaults to V(local).
    type: str
  options:
    description:
      - Options of the driver, as a list of C(key=value) or as a mapping. Without V(type), the volume is a plain
        directory.
      - "C(type): type of the file system, as in mount(8): V(tmpfs), V(ext4), V(xfs), V(btrfs), V(nfs), V(overlay),
        V(bind), ..."
      - "C(device): the device to mount: a block device, a file that contains a file system, C(LABEL=...) or
        C(UUID=...), C(server:/path), or a directory for V(bind)."
      - "C(o): mount options, separated by commas. In the mapping it can also be a list or a mapping. C(bind) is
        equivalent to C(type=bind)."
      - The following words of C(o) are handled by the engine. C(uid), C(gid) and C(mode) are the same as the options
        O(uid), O(gid) and O(mode). C(size) and C(inodes) limit a plain directory, which requires ext4 or xfs mounted
        with C(prjquota) below the engine's root (a tmpfs has a C(size) of its own; on ext4, processes with
        C(CAP_SYS_RESOURCE) are not limited). C(timeout) is the timeout of a mount in seconds, 30 by default.
      - "C(nocopy): do not copy an image's content to the volume."
      - "A volume on a file server with a mount timeout of ten seconds: C({type: nfs, device: 'nas:/media', o: {vers:
        4.2, soft: true, timeout: 10}})."
      - If unset, an existing volume keeps its options. An empty list removes all options, which makes the volume a
        plain directory.
      - C(type), C(device) and C(o) cannot be changed while the volume is mounted.
      - Changing the options neither removes nor copies data. The content of a plain directory stays in
        C(ROOT/volumes/NAME/data), hidden by the file system that is mounted there, and reappears when the options are
        changed back; it is removed only with the volume. The data of a device, a server, another directory or the
        layers of an overlay stay where they are. A warning names the location, in check mode too. Words of C(o) that
        only change how the file system is mounted keep the data in the volume.
      - To move the data, export it with M(slipway.oci.volume_export) before the change. Afterwards, import the archive
        with M(slipway.oci.volume_import) if the volume is now a plain directory. If it has another file system, mount
        it with O(state=mounted) and unpack the archive in RV(mount_point).
      - Setting C(size) or C(inodes) below the volume's current use removes nothing; writes fail until there is space.
    type: raw
  uid:
    description:
      - Numeric owner of the volume's root directory. On an existing volume, only the root directory changes its owner,
        not its content. With V(bind), the root is the host's directory itself. File systems that store no owners
        (V(vfat), V(cifs), ...) show this owner for all files.
      - Defaults to 0, or to the owner in the image, on the server or on the device.
    type: int
  gid:
    description:
      - Numeric group of the volume's root directory, like O(uid).
    type: int
  mode:
    description:
      - Mode of the volume's root directory in octal digits, quoted.
      - Defaults to V('0755'), or to the mode in the image, on the server or on the device.
    type: raw
  recreate:
    description:
      - Whether to remove an existing volume, with its data, and create it again. It fails if containers use the volume,
        unless O(force=true).
    type: bool
    default: false
  force:
    description:
      - Whether O(state=absent) and O(recreate=true) first stop and remove the containers that use the volume.
    type: bool
    default: false
  populate:
    description:
      - When to fill the volume with a directory of an image, without a container.
      - V(once) fills the volume if it is fresh, that is, empty and never mounted by a container. It requires
        O(populate_from).
      - V(again) fills the volume each time the task runs. The previous content is kept in a snapshot named
        V(before-populate-TIME). Without O(populate_from), the volume is filled from the same source as before, see
        RV(volume.populated_from). It is refused while a container that uses the volume runs, and for a volume with its
        own file system that is not empty.
      - Files keep the owners that they have in the image. A container with its own user namespace sees them as owned by
        nobody, unless such a container filled the volume before.
    type: str
    choices: [once, again]
  populate_from:
    description:
      - Source of the content for O(populate).
    type: dict
    suboptions:
      image:
        description:
          - Name or ID of a local image.
        type: str
        required: true
      path:
        description:
          - Directory in the image.
        type: str
        required: true
seealso:
  - module: slipway.oci.volume_info
  - module: slipway.oci.volume_export
  - module: slipway.oci.volume_import
  - module: slipway.oci.container
"""

EXAMPLES = r"""
- name: Create a volume
  slipway.oci.volume:
    name: app-cache
    labels: {tier: cache}

- name: Create a volume filled from an image before any container starts
  slipway.oci.volume:
    name: app-config
    populate: once
    populate_from: {image: "localhost/app:1", path: /etc/app}

- name: Fill it from the image again, and keep the previous content as a snapshot
  slipway.oci.volume:
    name: app-config
    populate: again

- name: Create a volume in memory for one user
  slipway.oci.volume:
    name: scratch
    options: [type=tmpfs, "o=size=64m,nosuid,nodev"]
    uid: 1000
    mode: "0700"

- name: Mount a volume for a tool on the host
  slipway.oci.volume:
    name: scratch
    state: mounted
  register: scratch

- name: Unmount the volume
  slipway.oci.volume:
    name: scratch
    state: unmounted

- name: Remove a volume and its data
  slipway.oci.volume:
    name: app-cache
    state: absent
"""

RETURN = r"""
volume:
  description: The volume, in the format of C(podman volume inspect). Empty when the volume does not exist.
  returned: success
  type: dict
  contains:
    Name:
      description: Name of the volume.
      type: str
      returned: always
    Mountpoint:
      description: Directory on the host that contains the data.
      type: str
      returned: always
    Driver:
      description: Always V(local).
      type: str
      returned: always
    Labels:
      description: Labels of the volume.
      type: dict
      returned: always
    CreatedAt:
      description: Time when the volume was created.
      type: str
      returned: always
    used_by:
      description: Names of the containers that use the volume.
      type: list
      elements: str
      returned: always
    populated_from:
      description: Image ID, path and size of the content that the volume was filled with. Null if it was not filled
        from an image.
      type: dict
      returned: always
    Options:
      description: Driver options, in podman's format.
      type: dict
      returned: always
    UID:
      description: Configured owner of the volume's top directory, 0 by default.
      type: int
      returned: always
    GID:
      description: Configured group of the volume's top directory, 0 by default.
      type: int
      returned: always
    MountCount:
      description: Number of current users of the volume. These are live containers, and the host if
        O(slipway.oci.volume#module:state=mounted).
      type: int
      returned: always
    mounted:
      description: Whether the volume's own file system is mounted. Null for a plain directory.
      type: bool
      returned: always
    stays_mounted:
      description: Whether the volume stays mounted without containers.
      type: bool
      returned: always
  sample:
    Name: app-data
    Mountpoint: /var/lib/slipway/volumes/app-data/data
    Driver: local
    Labels: {tier: db}
    Options: {}
    CreatedAt: "2026-11-23T22:17:37.123456789Z"
    MountCount: 1
    used_by: [app]
    populated_from: null
    mounted: null
mount_point:
  description: Path of the volume's content on the host, the same as RV(volume.Mountpoint). Empty if the volume does not
    exist.
  returned: success
  type: str
  sample: /var/lib/slipway/volumes/app-data/data
actions:
  description: Actions taken, in order. In check mode, the actions that would be taken.
  returned: success
  type: list
  elements: str
  sample: [created volume app-data]
diff:
  description: Differences by option, before and after the task.
  returned: success
  type: dict
  sample:
    before: {labels.tier: null}
    after: {labels.tier: db}
    before_header: app-data
    after_header: app-data
plan:
  description: The same differences, with what each change requires. C(cost) is empty or C(live).
  returned: success
  type: dict
  sample:
    cost: live
    changes: [{option: labels.tier, before: null, after: db, change: live}]
timings:
  description: Duration of each step in seconds.
  returned: always
  type: dict
  sample: {volume_create: 0.0007}
error:
  description: Stable code of the error. What the error concerns is returned under keys of its own.
  returned: failure
  type: str
  sample: in_use
"""

from ..module_utils._entry.task import run_task


def main() -> None:
    """Run the module."""
    run_task("volume")


if __name__ == "__main__":
    main()
