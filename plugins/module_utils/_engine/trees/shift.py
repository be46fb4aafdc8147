# SPDX-License-Identifier: GPL-3.0-or-later
"""Map the ids inside extended attributes for a user namespace; pure.

Sources: capabilities(7) "File capability extended attribute versioning", linux/capability.h, linux/posix_acl_xattr.h.
"""

from __future__ import annotations

import struct

from ..model.values.idmap import IdMap

#: struct vfs_cap_data: magic and flags, then two pairs of masks; version 3 adds the uid of the namespace's root.
_CAPABILITY = "security.capability"
_REVISION, _VERSION_2, _VERSION_3 = 0xFF000000, 0x02000000, 0x03000000
_VERSION_2_SIZE, _VERSION_3_SIZE = 20, 24
#: struct posix_acl_xattr_entry: tag, permissions, id; only these two tags have an id.
_ACL = "system.posix_acl_"
_HEADER, _ENTRY = 4, struct.Struct("<HHI")
_USER, _GROUP = 0x02, 0x08


def shifted(name: str, value: bytes, owners: IdMap) -> bytes:
    """Return the attribute's value with its ids mapped; a value without ids is unchanged."""
    if name == _CAPABILITY:
        return _capability(value, owners)
    return _acl(value, owners) if name.startswith(_ACL) else value


def _capability(value: bytes, owners: IdMap) -> bytes:
    """Return a file capability for the namespace's root: it has no effect with another root."""
    if len(value) == _VERSION_2_SIZE:
        root = 0
    elif len(value) == _VERSION_3_SIZE:
        (root,) = struct.unpack_from("<I", value, _VERSION_2_SIZE)
    else:
        return value
    (magic,) = struct.unpack_from("<I", value)
    masks = value[4:_VERSION_2_SIZE]
    root = owners.host(root, 0)[0]
    if root == 0:  # version 2, which kernels before 4.14 support as well
        return struct.pack("<I", magic & ~_REVISION | _VERSION_2) + masks
    return struct.pack("<I", magic & ~_REVISION | _VERSION_3) + masks + struct.pack("<I", root)


def _acl(value: bytes, owners: IdMap) -> bytes:
    if len(value) < _HEADER or (len(value) - _HEADER) % _ENTRY.size:
        return value
    entries = []
    for tag, permissions, number in _ENTRY.iter_unpack(value[_HEADER:]):
        host = {_USER: owners.host(number, 0)[0], _GROUP: owners.host(0, number)[1]}.get(tag, number)
        entries.append(_ENTRY.pack(tag, permissions, host))
    return value[:_HEADER] + b"".join(entries)
