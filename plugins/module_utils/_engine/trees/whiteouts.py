# SPDX-License-Identifier: GPL-3.0-or-later
"""The marks by which a layer on the disk hides what those below it have, in two forms.

overlayfs': a character device 0:0 hides a name, an attribute all that lower layers have in a directory. Where a file system
does not take these, those of an image's layers: files ``.wh.NAME`` and ``.wh..wh..opq``, which fuse-overlayfs reads too.
Sources: Documentation/filesystems/overlayfs.rst; image-spec, layer.md "Whiteouts"; fuse-overlayfs, main.c.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import Union

#: fuse-overlayfs writes the first where it may.
OPAQUE = b"trusted.overlay.opaque"
_OPAQUE_NAMES = (OPAQUE, b"user.fuseoverlayfs.opaque")
PREFIX = b".wh."
OPAQUE_FILE = b".wh..wh..opq"
#: What else fuse-overlayfs puts into an opaque directory.
_OPAQUE_NODE = b".wh..opq"

#: An overlay takes no device 0:0 (EPERM) and, before Linux 6.7, none of overlayfs' attributes; NFS has no such attributes.
_REFUSED = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)

Name = Union[str, bytes]


def is_whiteout(info: os.stat_result) -> bool:
    """Tell whether this is overlayfs' mark for a name that is gone."""
    return stat.S_ISCHR(info.st_mode) and info.st_rdev == 0


def hidden_name(name: Name) -> bytes | None:
    """Return the name that a file of this name hides, ``b""`` where it is a mark of its directory, None for no mark."""
    encoded = os.fsencode(name)
    if encoded in (OPAQUE_FILE, _OPAQUE_NODE):
        return b""
    return encoded[len(PREFIX) :] if encoded.startswith(PREFIX) else None


def hides(directory: int, name: Name) -> bool:
    """Tell whether a file in the directory hides the name from lower layers."""
    return _is_there(PREFIX + os.fsencode(name), directory)


def is_opaque(directory: int) -> bool:
    """Tell whether the directory hides all that lower layers have in it."""
    return any(_attribute(directory, name) == b"y" for name in _OPAQUE_NAMES) or _is_there(
        OPAQUE_FILE, directory
    )


def white_out(directory: int, name: bytes) -> None:
    """Hide the name; something of that name that is there hides it as well."""
    try:
        with suppress(FileExistsError):
            os.mknod(name, stat.S_IFCHR, 0, dir_fd=directory)
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        _touch(PREFIX + name, directory)


def make_opaque(directory: int) -> None:
    """Hide all that lower layers have in the directory."""
    try:
        os.setxattr(directory, OPAQUE, b"y")
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        _touch(OPAQUE_FILE, directory)


def _attribute(directory: int, name: bytes) -> bytes | None:
    try:
        return os.getxattr(directory, name)
    except OSError:  # ENODATA: the directory is not marked; EOPNOTSUPP: the file system has no attributes
        return None


def _is_there(name: bytes, directory: int) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:  # the mark of a name of 252 bytes or more can't be there
            raise
        return False
    return True


def _touch(name: bytes, directory: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    os.close(os.open(name, flags, 0o600, dir_fd=directory))
