# SPDX-License-Identifier: GPL-3.0-or-later
"""Use a plain directory as a container's root file system (``rootfs: true``)."""

from __future__ import annotations

import os

from ..errors import InvalidOption, Missing, Setting, Words


def check(path: str) -> str:
    """Return the directory with its symlinks resolved: there is nothing to mount.

    Raises InvalidOption (option ``image``, which names it) when it is no directory.
    """
    if not os.path.isdir(path):
        there = os.path.lexists(path)
        raise (InvalidOption if there else Missing)(
            "image",
            path,
            "is no directory" if there else "does not exist",
            remedy=Words("With ", Setting("rootfs", True), ", image names a directory that exists"),
        )
    return os.path.realpath(path)
