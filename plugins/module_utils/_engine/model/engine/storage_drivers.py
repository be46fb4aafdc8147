# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage drivers, which provide the root file systems of containers; the best first."""

from __future__ import annotations

#: The kernel's overlayfs; an overlay in user space (FUSE); a copy of the whole image.
OVERLAY, FUSE, VFS = "overlay", "fuse-overlayfs", "vfs"
DRIVERS = (OVERLAY, FUSE, VFS)
