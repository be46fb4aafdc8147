# SPDX-License-Identifier: GPL-3.0-or-later
"""Read an image's passwd and group, and look up the ids of a container's user in them."""

from __future__ import annotations

from ...kernel import untrusted_files
from ...model.container.spec import ContainerSpec
from ...runtime.config.users import ResolvedUser, resolve
from ..core.source import Source

#: A larger file is not taken for a passwd or group file.
_LIMIT = 4 * 1024 * 1024


def account_file(roots: tuple[str, ...], path: str) -> str:
    """Read an account file from the layers, topmost first; an upper layer's whiteout hides those below.

    Returns "" if there is no such file.
    """
    for root in roots:
        try:
            content = untrusted_files.read_file(root, path, limit=_LIMIT)
        except OSError:  # a whiteout, a device or a directory: not an account file
            return ""
        if content is not None:
            return content.decode("utf-8", "replace")
    return ""


def user_of(spec: ContainerSpec, source: Source, rootfs: str) -> ResolvedUser:
    """Resolve the user by passwd and group of the image's layers, or of the host's directory."""
    roots = source.lowers or ((rootfs,) if spec.rootfs else ())
    name = spec.user if spec.user is not None else (source.config.user if source.config else None)
    return resolve(
        name or None,
        spec.group_add or (),
        passwd=account_file(roots, "/etc/passwd"),
        group=account_file(roots, "/etc/group"),
    )
