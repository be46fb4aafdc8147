# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe the fate of a volume's data when its options change; pure. The data is neither removed nor copied."""

from __future__ import annotations

from ..model.volume.options import IN_MEMORY, DriverOptions

#: Words of ``o`` that select the part of a device, a share or an overlay to mount; the others determine how to mount it.
_CHOOSING = frozenset("lowerdir upperdir subvol subvolid offset prefixpath X-mount.subdir".split())


def fate(name: str, before: DriverOptions, after: DriverOptions, holding: str) -> str:
    """Return a warning for the user, "" if the volume shows the same data as before, or had none.

    ``holding``: the volume's own directory if it is known to be not empty, else "".
    """
    if _shown(before) == _shown(after) or before.type in IN_MEMORY:
        return ""
    if before.is_mounted_apart:
        return f"{_stays(name, _place(before))}{_instead(after, holding)}. {_along(after, holding)}"
    if not holding:
        return ""
    hidden = (
        f"{_stays(name, holding)}, hidden by the file system that is mounted there. {_along(after, holding)}"
    )
    return f"{hidden}. It is removed only with the volume, by state: absent or recreate: true"


def _stays(name: str, place: str) -> str:
    return (
        f"the data of volume {name} is not copied, and not in the volume until its options are changed back: "
        f"it stays in {place}"
    )


def _instead(after: DriverOptions, holding: str) -> str:
    is_seen = holding and not after.is_mounted_apart
    return f"; the volume shows the content of {holding}" if is_seen else ""


def _along(after: DriverOptions, holding: str) -> str:
    """Return how to move the data: a volume with its own file system cannot be imported to."""
    first = "To move the data, export it with slipway.oci.volume_export before the options are changed"
    if after.is_mounted_apart:
        return f"{first}; afterwards, mount the volume with state: mounted, and unpack the archive in mount_point"
    force = " and force: true, because the directory is not empty" if holding else ""
    return f"{first}; afterwards, import the archive with slipway.oci.volume_import{force}"


def _shown(options: DriverOptions) -> tuple[str, ...]:
    """Return the options that determine which data the volume shows. The type does not: ext4 also mounts ext3, nfs nfs4."""
    if not options.is_mounted_apart:
        return ()
    return (options.type if options.type in IN_MEMORY else "", options.device, *_choosing(options))


def _place(options: DriverOptions) -> str:
    chosen = ",".join(_choosing(options))
    return f"{options.device} ({chosen})" if chosen else options.device


def _choosing(options: DriverOptions) -> list[str]:
    return sorted(word for word in options.words if word.partition("=")[0] in _CHOOSING)
