# SPDX-License-Identifier: GPL-3.0-or-later
"""Read an image's passwd and group, and find the numbers of a container's user in them."""

from __future__ import annotations

from ...kernel import untrusted_files
from ...model.container.spec import ContainerSpec
from ...runtime.config.users import ResolvedUser, resolve
from ..core.source import Source

#: passwd and group files above this size are no such files.
_LIMIT = 4 * 1024 * 1024


def account_file(roots: tuple[str, ...], path: str) -> str:
    """Read a file as the merged layers (topmost first) would show it; a whiteout in an upper layer hides those below."""
    for root in roots:
        try:
            content = untrusted_files.read_file(root, path, limit=_LIMIT)
        except OSError:  # a whiteout, a device or a directory: whatever it is, it is no account file
            return ""
        if content is not None:
            return content.decode("utf-8", "replace")
    return ""


def user_of(spec: ContainerSpec, source: Source, rootfs: str) -> ResolvedUser:
    """Resolve the user by the passwd and group files of the image's layers, or of the plain root file system."""
    roots = source.lowers or ((rootfs,) if spec.rootfs else ())
    name = spec.user if spec.user is not None else (source.config.user if source.config else None)
    return resolve(
        name or None,
        spec.group_add or (),
        passwd=account_file(roots, "/etc/passwd"),
        group=account_file(roots, "/etc/group"),
    )
