# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which mounts the engine prepares for the OCI runtime to bind mount, and with which owners; pure.

OCI runtimes do not support subpaths, overlays or images, and may not support idmapped mounts (runc before 1.2).
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import InvalidOption
from ..model.mounts import idmap
from ..model.mounts.mount import BIND, IMAGE, VOLUME, Mount
from ..model.values.idmap import IdMap, Range

#: Options of a bind mount or a volume that the engine implements.
_WORDS = ("O", "U", "idmap", "subpath")
#: The identity mapping of all IDs; 2^32-1 is not an ID.
_ALL = (Range(0, 0, 2**32 - 1),)


def prepared(mounts: Iterable[Mount]) -> tuple[Mount, ...]:
    """Return the mounts that the engine prepares, sorted by destination."""
    return tuple(sorted((mount for mount in mounts if _is_prepared(mount)), key=lambda one: one.destination))


def _is_prepared(mount: Mount) -> bool:
    if mount.kind in (BIND, VOLUME):
        return any(mount.value(word) is not None for word in _WORDS)
    return mount.kind == IMAGE


def shift(mount: Mount, mapping: IdMap | None) -> IdMap | None:
    """Return the mapping from the file system's IDs to the host's in an idmapped mount, None for other mounts.

    ``mapping`` is that of the container. In the host's user namespace, IDs of a kind without ranges stay the same.
    Raises InvalidOption if there is nothing to map to.
    """
    text = mount.value("idmap")
    if text is None:
        return None
    if not text and mapping is None:
        raise InvalidOption(
            "mount",
            f"{mount.destination}: idmap",
            "requires a user namespace or a mapping",
            remedy="Set userns, or write the mapping, as in idmap=uids=0-1000-1;gids=0-1000-1",
        )
    found = idmap.parse("mount", text).resolve("mount", mapping)
    return IdMap(found.uids or _ALL, found.gids or _ALL)


def owner(user: tuple[int, int], mapping: IdMap | None, shifted: IdMap | None) -> tuple[int, int]:
    """Return the owner that files must have on disk to be owned by the container's user in the container."""
    host = mapping.host(*user) if mapping else user
    return shifted.inverse().host(*host) if shifted else host
