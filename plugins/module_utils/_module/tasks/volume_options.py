# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of module ``volume``, each documented below it; ``make generated`` writes DOCUMENTATION from them."""

from __future__ import annotations

from ..._engine.model.container.kinds import of_type
from ..._engine.plan.container import PRESENT
from ..._engine.plan.volume import STATES
from ..options import ArgumentSpec, declared


class VolumeOptions:
    """Options of the volume, then of the task. The volume's own have no default: unset keeps an existing volume's value."""

    name = of_type("str", required=True)
    """Name of the volume."""

    state = of_type("str", default=PRESENT, choices=[*STATES])
    """Desired state of the volume. V(present) ensures that it exists, with the labels and options of the task.

    V(absent) removes the volume and its data. It fails if containers use the volume, and names them.

    V(mounted) is V(present), and also mounts the volume's own file system for tools on the host. It stays
    mounted until V(unmounted), independently of containers, and the boot unit mounts it again after a reboot.
    A plain directory needs no mount.

    V(unmounted) reverts V(mounted). The volume stays mounted while running containers use it. It fails if the
    volume does not exist.

    With V(mounted) and V(unmounted), an existing volume keeps the labels that the task does not set.
    """

    label = of_type("dict", aliases=["labels"])
    """Labels of the volume. Changing them does not touch the data."""

    driver = of_type("str")
    """Driver of the volume. Only V(local) is implemented.

    Defaults to V(local).
    """

    options = of_type("raw")
    """Options of the driver, as a list of C(key=value) or as a mapping. Without V(type), the volume is a
    plain directory.

    C(type): type of the file system, as in mount(8): V(tmpfs), V(ext4), V(xfs), V(btrfs), V(nfs), V(overlay),
    V(bind), ...

    C(device): the device to mount: a block device, a file that contains a file system, C(LABEL=...) or
    C(UUID=...), C(server:/path), or a directory for V(bind).

    C(o): mount options, separated by commas. In the mapping it can also be a list or a mapping. C(bind) is
    equivalent to C(type=bind).

    The following words of C(o) are handled by the engine. C(uid), C(gid) and C(mode) are the same as the
    options O(uid), O(gid) and O(mode). C(size) and C(inodes) limit a plain directory, which requires ext4 or
    xfs mounted with C(prjquota) below the engine's root (a tmpfs has a C(size) of its own; on ext4, processes
    with C(CAP_SYS_RESOURCE) are not limited). C(timeout) is the timeout of a mount in seconds, 30 by default.

    C(nocopy): do not copy an image's content to the volume.

    A volume on a file server with a mount timeout of ten seconds: C({type: nfs, device: 'nas:/media', o:
    {vers: 4.2, soft: true, timeout: 10}}).

    If unset, an existing volume keeps its options. An empty list removes all options, which makes the volume
    a plain directory.

    C(type), C(device) and C(o) cannot be changed while the volume is mounted.

    Changing the options neither removes nor copies data. The content of a plain directory stays in
    C(ROOT/volumes/NAME/data), hidden by the file system that is mounted there, and reappears when the options
    are changed back; it is removed only with the volume. The data of a device, a server, another directory or
    the layers of an overlay stay where they are. A warning names the location, in check mode too. Words of
    C(o) that only change how the file system is mounted keep the data in the volume.

    To move the data, export it with M(slipway.oci.volume_export) before the change. Afterwards, import the
    archive with M(slipway.oci.volume_import) if the volume is now a plain directory. If it has another file
    system, mount it with O(state=mounted) and unpack the archive in RV(mount_point).

    Setting C(size) or C(inodes) below the volume's current use removes nothing; writes fail until there is
    space.
    """

    uid = of_type("int")
    """Numeric owner of the volume's root directory. On an existing volume, only the root directory changes
    its owner, not its content. With V(bind), the root is the host's directory itself. File systems that
    store no owners (V(vfat), V(cifs), ...) show this owner for all files.

    Defaults to 0, or to the owner in the image, on the server or on the device.
    """

    gid = of_type("int")
    """Numeric group of the volume's root directory, like O(uid)."""

    mode = of_type("raw")
    """Mode of the volume's root directory in octal digits, quoted.

    Defaults to V('0755'), or to the mode in the image, on the server or on the device.
    """

    recreate = of_type("bool", default=False)
    """Whether to remove an existing volume, with its data, and create it again. It fails if containers use
    the volume, unless O(force=true).
    """

    force = of_type("bool", default=False)
    """Whether O(state=absent) and O(recreate=true) first stop and remove the containers that use the volume.
    """

    populate = of_type("str", choices=["once", "again"])
    """When to fill the volume with a directory of an image, without a container.

    V(once) fills the volume if it is fresh, that is, empty and never mounted by a container. It requires
    O(populate_from).

    V(again) fills the volume each time the task runs. The previous content is kept in a snapshot named
    V(before-populate-TIME). Without O(populate_from), the volume is filled from the same source as before,
    see RV(volume.populated_from). It is refused while a container that uses the volume runs, and for a volume
    with its own file system that is not empty.

    Files keep the owners that they have in the image. A container with its own user namespace sees them as
    owned by nobody, unless such a container filled the volume before.
    """

    populate_from = of_type(
        "dict",
        options={"image": of_type("str", required=True), "path": of_type("str", required=True)},
    )
    """Source of the content for O(populate).

    image:
        Name or ID of a local image.

    path:
        Directory in the image.
    """


ARGUMENTS: ArgumentSpec = declared(VolumeOptions)
