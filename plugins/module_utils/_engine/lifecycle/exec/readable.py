# SPDX-License-Identifier: GPL-3.0-or-later
"""Look up files as a running container sees them, volumes and tmpfs included."""

from __future__ import annotations

import os

from ...kernel.files import directory
from ...kernel.inroot import open_in_root
from ...kernel.untrusted_files import PATIENCE, in_time


def exists(pid: int, path: str) -> bool:
    """Return whether the path exists for the process; it is resolved in its root, so no symlink escapes."""

    def look() -> None:
        with directory(f"/proc/{pid}/root") as root:
            os.close(open_in_root(root, path, os.O_PATH))

    try:
        in_time(look, PATIENCE)
    except OSError:
        return False
    return True
