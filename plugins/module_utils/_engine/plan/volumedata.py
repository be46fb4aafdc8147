# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what becomes of a volume's data when its options change; pure. The data is never removed by that, and never copied."""

from __future__ import annotations

from ..model.volume.options import IN_MEMORY, DriverOptions

#: Words of ``o`` that choose what of a device, a share or the layers of an overlay is mounted; the others say how.
_CHOOSING = frozenset("lowerdir upperdir subvol subvolid offset prefixpath X-mount.subdir".split())


def fate(name: str, before: DriverOptions, after: DriverOptions, holding: str) -> str:
    """Return what the user has to know, "" where the volume shows the same data as before, or had none.

    ``holding``: the volume's own directory where it is known to hold something, else "".
    """
    if _shown(before) == _shown(after) or before.type in IN_MEMORY:
        return ""
    if before.is_mounted_apart:
        return f"{_stays(name, _place(before))}{_instead(after, holding)}. {_along(after, holding)}"
    if not holding:
        return ""
    hidden = f"{_stays(name, holding)}, hidden below what is mounted there. {_along(after, holding)}"
    return f"{hidden}. It is removed with the volume alone, by state: absent or recreate: true"


def _stays(name: str, place: str) -> str:
    return (
        f"the data that volume {name} has with its old options is not copied, and not in the volume until the options "
        f"are changed back: it stays in {place}"
    )


def _instead(after: DriverOptions, holding: str) -> str:
    is_seen = holding and not after.is_mounted_apart
    return f"; the volume shows what {holding} holds" if is_seen else ""


def _along(after: DriverOptions, holding: str) -> str:
    """Return how to bring the data along: what has a file system of its own takes no import."""
    first = "To bring it along, write it to an archive with slipway.oci.volume_export while the options are the old ones"
    if after.is_mounted_apart:
        return f"{first}, and unpack that in mount_point after a task with the new ones and state: mounted"
    force = " (force: true, since the directory is not empty)" if holding else ""
    return f"{first}, and read that with slipway.oci.volume_import when they are the new ones{force}"


def _shown(options: DriverOptions) -> tuple[str, ...]:
    """Return what decides which data the volume shows; the type does not: ext3 is mounted as ext4, nfs4 as nfs."""
    if not options.is_mounted_apart:
        return ()
    return (options.type if options.type in IN_MEMORY else "", options.device, *_choosing(options))


def _place(options: DriverOptions) -> str:
    chosen = ",".join(_choosing(options))
    return f"{options.device} ({chosen})" if chosen else options.device


def _choosing(options: DriverOptions) -> list[str]:
    return sorted(word for word in options.words if word.partition("=")[0] in _CHOOSING)
