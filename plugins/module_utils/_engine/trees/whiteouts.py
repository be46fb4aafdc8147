# SPDX-License-Identifier: GPL-3.0-or-later
"""Whiteouts: the marks with which a layer on the disk hides entries of lower layers, in two forms.

The first is overlayfs's: a character device 0:0 hides a name, an extended attribute hides all entries that lower layers
have in a directory. If the file system does not support these, the second is that of image layers: files ``.wh.NAME``
and ``.wh..wh..opq``, which fuse-overlayfs reads as well. Sources: Documentation/filesystems/overlayfs.rst; image-spec,
layer.md "Whiteouts"; fuse-overlayfs, main.c.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import Union

#: The attributes of an opaque directory; fuse-overlayfs writes the first if it is permitted.
OPAQUE = b"trusted.overlay.opaque"
_OPAQUE_NAMES = (OPAQUE, b"user.fuseoverlayfs.opaque")
PREFIX = b".wh."
OPAQUE_FILE = b".wh..wh..opq"
#: Another file that fuse-overlayfs puts into an opaque directory.
_OPAQUE_NODE = b".wh..opq"

#: An overlay refuses a device 0:0 (EPERM) and, before Linux 6.7, overlayfs's attributes; NFS does not support the attributes.
_REFUSED = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)

Name = Union[str, bytes]


def is_whiteout(info: os.stat_result) -> bool:
    """Return whether an entry is overlayfs's whiteout."""
    return stat.S_ISCHR(info.st_mode) and info.st_rdev == 0


def hidden_name(name: Name) -> bytes | None:
    """Return the name that a ``.wh.`` file hides, ``b""`` if it marks its directory, None for other names."""
    encoded = os.fsencode(name)
    if encoded in (OPAQUE_FILE, _OPAQUE_NODE):
        return b""
    return encoded[len(PREFIX) :] if encoded.startswith(PREFIX) else None


def hides(directory: int, name: Name) -> bool:
    """Return whether a ``.wh.`` file in the directory hides the name in lower layers."""
    return _is_there(PREFIX + os.fsencode(name), directory)


def is_opaque(directory: int) -> bool:
    """Return whether the directory is opaque: it hides all that lower layers have in it."""
    return any(_attribute(directory, name) == b"y" for name in _OPAQUE_NAMES) or _is_there(
        OPAQUE_FILE, directory
    )


def white_out(directory: int, name: bytes) -> None:
    """Hide the name in lower layers; an existing entry of that name does so already."""
    try:
        with suppress(FileExistsError):
            os.mknod(name, stat.S_IFCHR, 0, dir_fd=directory)
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        _touch(PREFIX + name, directory)


def make_opaque(directory: int) -> None:
    """Make the directory opaque, so that it hides all that lower layers have in it."""
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
