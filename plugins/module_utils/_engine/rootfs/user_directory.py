# SPDX-License-Identifier: GPL-3.0-or-later
"""Use a directory of the host as a container's root file system (``rootfs: true``)."""

from __future__ import annotations

import os

from ..errors import InvalidOption, Missing, Setting, Words


def check(path: str) -> str:
    """Return the directory with its symlinks resolved; it needs no mount.

    Raises InvalidOption (for ``image``, the option that names it) if it is not a directory, Missing if it does not exist.
    """
    if not os.path.isdir(path):
        there = os.path.lexists(path)
        raise (InvalidOption if there else Missing)(
            "image",
            path,
            "is not a directory" if there else "does not exist",
            remedy=Words("Set image to an existing directory, as ", Setting("rootfs", True), " requires"),
        )
    return os.path.realpath(path)
