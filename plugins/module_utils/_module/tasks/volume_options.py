# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of module ``volume``, documented below each; ``make generated`` writes the module's DOCUMENTATION from it."""

from __future__ import annotations

from ..._engine.model.container.kinds import of_type
from ..._engine.plan.container import PRESENT
from ..._engine.plan.volume import STATES
from ..options import ArgumentSpec, declared


class VolumeOptions:
    """Options of the volume, then of the task. What the volume is of itself has no default: unset leaves it as it is."""

    name = of_type("str", required=True)
    """Name of the volume."""

    state = of_type("str", default=PRESENT, choices=[*STATES])
    """V(present) has the volume, with these labels and options.

    V(absent) removes it with its data. It fails when a container has the volume, naming it.

    V(mounted) is V(present), and mounts the volume's own file system for tools of the host. It stays
    mounted, whatever containers do, until V(unmounted), and is mounted again by the boot unit after a
    reboot. Of a plain directory nothing has to be mounted.

    V(unmounted) takes that back. While containers that have the volume live, it stays mounted for these. It
    fails when there is no such volume.

    With V(mounted) and V(unmounted) an existing volume keeps the labels that the task does not say.
    """

    label = of_type("dict", aliases=["labels"])
    """Labels of the volume. A change touches no data."""

    driver = of_type("str")
    """Driver of the volume. Only V(local) is built.

    Unset is V(local).
    """

    options = of_type("raw")
    """Options of the driver, as a list of C(key=value) or as a mapping. Without V(type) the volume is a plain
    directory.

    C(type): the type of the file system, as mount(8) has it: V(tmpfs), V(ext4), V(xfs), V(btrfs), V(nfs),
    V(overlay), V(bind), ...

    C(device): what is mounted: a block device, a file that holds a file system, C(LABEL=...) or
    C(UUID=...), C(server:/path), for V(bind) a directory.

    C(o): words for mount(8), separated by commas. In the mapping it may be a list or a mapping too. C(bind)
    is as good as C(type=bind).

    These words of C(o) are the engine's own: C(uid), C(gid) and C(mode) as the options O(uid), O(gid) and
    O(mode); C(size) and C(inodes), how much a plain directory may take, which needs ext4 or xfs mounted
    with C(prjquota) below the engine's root (a tmpfs has a C(size) of its own; on ext4 who has
    C(CAP_SYS_RESOURCE) may take more); C(timeout), how many seconds a mount may take, 30 unless said.

    C(nocopy): an image's content is not copied to the volume.

    A volume on a file server, for which a mount waits ten seconds at most: C({type: nfs, device:
    'nas:/media', o: {vers: 4.2, soft: true, timeout: 10}}).

    Unset leaves an existing volume's options as they are. An empty list is none, a plain directory.

    C(type), C(device) and C(o) of a volume that is mounted can't be altered.

    Altered options remove no data and copy none. A plain directory's content stays in
    C(ROOT/volumes/NAME/data), hidden below what is mounted there, and is in the volume again when the
    options are changed back; it is removed with the volume alone. What a device, a server, another
    directory or the layers of an overlay hold stays there. A warning tells where, in check mode too. Words
    of C(o) that say how something is mounted leave the same data in the volume.

    To bring the data along, write it to an archive with M(slipway.oci.volume_export) first. After the
    change read that with M(slipway.oci.volume_import) into a plain directory. Of another file system have
    it mounted by O(state=mounted), and unpack the archive in RV(mount_point).

    C(size) and C(inodes) below what the volume holds remove nothing, and what is written fails until there
    is room.
    """

    uid = of_type("int")
    """Numeric owner of the volume's root. Of an existing volume the root alone gets another owner, and none of
    what is in it. With V(bind) the root is the host's directory itself. File systems that keep no owners
    (V(vfat), V(cifs), ...) show all that is in them with this one.

    Unset is 0, or what an image, a server or a device has there.
    """

    gid = of_type("int")
    """Numeric group of the volume's root, as O(uid)."""

    mode = of_type("raw")
    """Mode of the volume's root in octal digits, quoted.

    Unset is V('0755'), or what an image, a server or a device has there.
    """

    recreate = of_type("bool", default=False)
    """Whether an existing volume is removed, with its data, and made anew. It fails when containers have the
    volume, unless O(force) is true.
    """

    force = of_type("bool", default=False)
    """Whether containers that have the volume are stopped and removed first, for O(state=absent) and
    O(recreate=true).
    """

    populate = of_type("str", choices=["once", "again"])
    """Fills the volume with a directory of an image, without a container.

    V(once) does so while the volume is fresh, that is empty and not yet mounted by a container. Needs
    O(populate_from).

    V(again) does so each time the task runs. What was in the volume becomes a snapshot of it, named
    V(before-populate-TIME). Without O(populate_from) it copies what the volume was filled with the last
    time, see RV(volume.populated_from). It is refused while a container that has the volume runs, and for a
    volume with a file system of its own that holds something.

    The owners are those of the image. A container with a user namespace of its own sees them as nobody's,
    unless it was such a container that had filled the volume before.
    """

    populate_from = of_type(
        "dict",
        options={"image": of_type("str", required=True), "path": of_type("str", required=True)},
    )
    """What the volume is filled with.

    image:
        Name or id of an image that is on the host.

    path:
        Directory in the image.
    """


ARGUMENTS: ArgumentSpec = declared(VolumeOptions)
