#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make, alter, mount and remove named volumes."""

from __future__ import annotations

# `make generated` writes the options, from _module/tasks/volume_options.py.
DOCUMENTATION = r"""
module: volume
short_description: Make, alter, mount and remove named volumes
version_added: 0.1.0
description:
  - Makes, alters, mounts and removes a named volume. Options have the names of M(containers.podman.podman_volume).
  - A new volume is empty. The first container that mounts it fills it with what its image has at that place.
  - A volume is a directory of the engine, or a file system of its own (a tmpfs, a disk, a file with a file system, an NFS
    export, another directory, an overlay), which is mounted while containers that have the volume live, and unmounted when
    none does. What a tmpfs holds is gone then, at a restart too.
  - Data is removed by O(state=absent) and by O(recreate=true), and by nothing else. A changed option never removes any. What a
    device, a server or another directory holds is not removed by these either.
  - A first copy is all or nothing, and goes into a volume only while that is empty. The empty directory V(lost+found) of a
    file system that was just made counts as nothing. Names that begin with V(.slipway-copyup) are the engine's in a volume
    with a file system of its own.
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
      - V(present) has the volume, with these labels and options.
      - V(absent) removes it with its data. It fails when a container has the volume, naming it.
      - V(mounted) is V(present), and mounts the volume's own file system for tools of the host. It stays mounted,
        whatever containers do, until V(unmounted), and is mounted again by the boot unit after a reboot. Of a plain
        directory nothing has to be mounted.
      - V(unmounted) takes that back. While containers that have the volume live, it stays mounted for these. It fails
        when there is no such volume.
      - With V(mounted) and V(unmounted) an existing volume keeps the labels that the task does not say.
    type: str
    default: present
    choices: [present, absent, mounted, unmounted]
  label:
    description:
      - Labels of the volume. A change touches no data.
    type: dict
    aliases: [labels]
  driver:
    description:
      - Driver of the volume. Only V(local) is built.
      - Unset is V(local).
    type: str
  options:
    description:
      - Options of the driver, as a list of C(key=value) or as a mapping. Without V(type) the volume is a plain
        directory.
      - "C(type): the type of the file system, as mount(8) has it: V(tmpfs), V(ext4), V(xfs), V(btrfs), V(nfs),
        V(overlay), V(bind), ..."
      - "C(device): what is mounted: a block device, a file that holds a file system, C(LABEL=...) or C(UUID=...),
        C(server:/path), for V(bind) a directory."
      - "C(o): words for mount(8), separated by commas. In the mapping it may be a list or a mapping too. C(bind) is as
        good as C(type=bind)."
      - "These words of C(o) are the engine's own: C(uid), C(gid) and C(mode) as the options O(uid), O(gid) and O(mode);
        C(size) and C(inodes), how much a plain directory may take, which needs ext4 or xfs mounted with C(prjquota)
        below the engine's root (a tmpfs has a C(size) of its own; on ext4 who has C(CAP_SYS_RESOURCE) may take more);
        C(timeout), how many seconds a mount may take, 30 unless said."
      - "C(nocopy): an image's content is not copied to the volume."
      - "A volume on a file server, for which a mount waits ten seconds at most: C({type: nfs, device: 'nas:/media', o:
        {vers: 4.2, soft: true, timeout: 10}})."
      - Unset leaves an existing volume's options as they are. An empty list is none, a plain directory.
      - C(type), C(device) and C(o) of a volume that is mounted can't be altered.
      - Altered options remove no data and copy none. A plain directory's content stays in C(ROOT/volumes/NAME/data),
        hidden below what is mounted there, and is in the volume again when the options are changed back; it is removed
        with the volume alone. What a device, a server, another directory or the layers of an overlay hold stays there.
        A warning tells where, in check mode too. Words of C(o) that say how something is mounted leave the same data in
        the volume.
      - To bring the data along, write it to an archive with M(slipway.oci.volume_export) first. After the change read
        that with M(slipway.oci.volume_import) into a plain directory. Of another file system have it mounted by
        O(state=mounted), and unpack the archive in RV(mount_point).
      - C(size) and C(inodes) below what the volume holds remove nothing, and what is written fails until there is room.
    type: raw
  uid:
    description:
      - Numeric owner of the volume's root. Of an existing volume the root alone gets another owner, and none of what is
        in it. With V(bind) the root is the host's directory itself. File systems that keep no owners (V(vfat), V(cifs),
        ...) show all that is in them with this one.
      - Unset is 0, or what an image, a server or a device has there.
    type: int
  gid:
    description:
      - Numeric group of the volume's root, as O(uid).
    type: int
  mode:
    description:
      - Mode of the volume's root in octal digits, quoted.
      - Unset is V('0755'), or what an image, a server or a device has there.
    type: raw
  recreate:
    description:
      - Whether an existing volume is removed, with its data, and made anew. It fails when containers have the volume,
        unless O(force) is true.
    type: bool
    default: false
  force:
    description:
      - Whether containers that have the volume are stopped and removed first, for O(state=absent) and O(recreate=true).
    type: bool
    default: false
  populate:
    description:
      - Fills the volume with a directory of an image, without a container.
      - V(once) does so while the volume is fresh, that is empty and not yet mounted by a container. Needs
        O(populate_from).
      - V(again) does so each time the task runs. What was in the volume becomes a snapshot of it, named
        V(before-populate-TIME). Without O(populate_from) it copies what the volume was filled with the last time, see
        RV(volume.populated_from). It is refused while a container that has the volume runs, and for a volume with a
        file system of its own that holds something.
      - The owners are those of the image. A container with a user namespace of its own sees them as nobody's, unless it
        was such a container that had filled the volume before.
    type: str
    choices: [once, again]
  populate_from:
    description:
      - What the volume is filled with.
    type: dict
    suboptions:
      image:
        description:
          - Name or id of an image that is on the host.
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
- name: Have a volume
  slipway.oci.volume:
    name: app-cache
    labels: {tier: cache}

- name: Have a volume that holds what the image ships, before any container starts
  slipway.oci.volume:
    name: app-config
    populate: once
    populate_from: {image: "localhost/app:1", path: /etc/app}

- name: Put the image's files in it anew, and keep what was there as a snapshot
  slipway.oci.volume:
    name: app-config
    populate: again

- name: Have a volume in memory, for one user
  slipway.oci.volume:
    name: scratch
    options: [type=tmpfs, "o=size=64m,nosuid,nodev"]
    uid: 1000
    mode: "0700"

- name: Mount a volume for a tool of the host
  slipway.oci.volume:
    name: scratch
    state: mounted
  register: scratch

- name: Let go of it
  slipway.oci.volume:
    name: scratch
    state: unmounted

- name: Remove it and all that it holds
  slipway.oci.volume:
    name: app-cache
    state: absent
"""

RETURN = r"""
volume:
  description: The volume in the shape of C(podman volume inspect). Empty when there is none (any more).
  returned: success
  type: dict
  contains:
    Name:
      description: Name of the volume.
      type: str
      returned: always
    Mountpoint:
      description: Directory on the host that holds the data.
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
      description: When the volume was made.
      type: str
      returned: always
    used_by:
      description: Names of the containers that have the volume.
      type: list
      elements: str
      returned: always
    populated_from:
      description: Image id, path and amount of what the volume was filled with, null if it was not.
      type: dict
      returned: always
    Options:
      description: Options of the driver in podman's words.
      type: dict
      returned: always
    UID:
      description: Owner of the volume's root as asked for, 0 when nothing was.
      type: int
      returned: always
    GID:
      description: Group of the volume's root as asked for, 0 when nothing was.
      type: int
      returned: always
    MountCount:
      description: How many need the volume at the moment, containers that live, and a user who wants it mounted.
      type: int
      returned: always
    mounted:
      description: Whether the volume's own file system is mounted, null for a plain directory.
      type: bool
      returned: always
    stays_mounted:
      description: Whether it stays mounted without containers.
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
  description: Where the volume's content is on the host, as in V(volume.Mountpoint); empty for one that is gone.
  returned: success
  type: str
  sample: /var/lib/slipway/volumes/app-data/data
actions:
  description: What was done, in order. In check mode, what would be.
  returned: success
  type: list
  elements: str
  sample: [created volume app-data]
diff:
  description: What differs, by option, before and after.
  returned: success
  type: dict
  sample:
    before: {labels.tier: null}
    after: {labels.tier: db}
    before_header: app-data
    after_header: app-data
plan:
  description: The same with what each change needs. C(cost) is empty or C(live).
  returned: success
  type: dict
  sample:
    cost: live
    changes: [{option: labels.tier, before: null, after: db, change: live}]
timings:
  description: Seconds that each step took.
  returned: always
  type: dict
  sample: {volume_create: 0.0007}
error:
  description: Stable code of what went wrong. The things it is about stand beside it under their own keys.
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
