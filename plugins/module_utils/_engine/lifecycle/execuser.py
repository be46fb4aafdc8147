# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a command in a running container runs as, by the files that the container itself sees now."""

from __future__ import annotations

from ..kernel import inroot
from ..runtime.users import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from collections.abc import Sequence

    from ..runtime.users import ResolvedUser

#: passwd and group files above this size are no such files.
_LIMIT = 4 * 1024 * 1024


def resolved(pid: int, name: str, group_add: Sequence[str]) -> ResolvedUser:
    """Return the user of this name or number; ``pid`` is the container's. Raises InvalidOption when it is not there."""
    root = f"/proc/{pid}/root"
    passwd, group = (_content(root, path) for path in ("/etc/passwd", "/etc/group"))
    return resolve(name, group_add, passwd=passwd, group=group)


def _content(root: str, path: str) -> str:
    try:
        return (inroot.read_file(root, path, limit=_LIMIT) or b"").decode("utf-8", "replace")
    except OSError:  # a device or a directory: whatever it is, it is no account file
        return ""
