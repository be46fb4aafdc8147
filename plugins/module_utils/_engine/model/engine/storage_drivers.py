# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to give a container a root file system of its own: storage drivers, the best first."""

from __future__ import annotations

#: The kernel's overlayfs; the same as a program, by FUSE; a copy of the whole image.
OVERLAY, FUSE, VFS = "overlay", "fuse-overlayfs", "vfs"
DRIVERS = (OVERLAY, FUSE, VFS)
