# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which mounts the engine makes itself before the OCI runtime binds them, and with which owners; pure.

The runtime of a distribution knows no subpath, overlay or image, and may know no idmapped mount (runc before 1.2).
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import InvalidOption
from ..model.mounts import idmap
from ..model.mounts.mount import BIND, IMAGE, VOLUME, Mount
from ..model.values.idmap import IdMap, Range

#: Options of a bind or a volume that are the engine's work.
_WORDS = ("O", "U", "idmap", "subpath")
#: All ids as they are; 2^32-1 is none.
_ALL = (Range(0, 0, 2**32 - 1),)


def prepared(mounts: Iterable[Mount]) -> tuple[Mount, ...]:
    """Return the mounts that the engine makes, by destination."""
    return tuple(sorted((mount for mount in mounts if _is_prepared(mount)), key=lambda one: one.destination))


def _is_prepared(mount: Mount) -> bool:
    if mount.kind in (BIND, VOLUME):
        return any(mount.value(word) is not None for word in _WORDS)
    return mount.kind == IMAGE


def shift(mount: Mount, mapping: IdMap | None) -> IdMap | None:
    """Return how the file system's ids become the host's in an idmapped mount, None in any other.

    ``mapping`` is that of the container. Ids of which it says nothing in the host's user namespace stay as they are.
    Raises InvalidOption where there is nothing to shift to.
    """
    text = mount.value("idmap")
    if text is None:
        return None
    if not text and mapping is None:
        raise InvalidOption(
            "mount",
            f"{mount.destination}: idmap",
            "has no user namespace to show owners for",
            remedy="Give the container one (userns), or write the ids, as in idmap=uids=0-1000-1;gids=0-1000-1",
        )
    found = idmap.parse("mount", text).resolve("mount", mapping)
    return IdMap(found.uids or _ALL, found.gids or _ALL)


def owner(user: tuple[int, int], mapping: IdMap | None, shifted: IdMap | None) -> tuple[int, int]:
    """Return whom files have to belong to on disk so that they are the container's user's inside."""
    host = mapping.host(*user) if mapping else user
    return shifted.inverse().host(*host) if shifted else host
