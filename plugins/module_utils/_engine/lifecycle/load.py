# SPDX-License-Identifier: GPL-3.0-or-later
"""Load an image; kept at this path for programs outside the collection, the file is image/load.py."""

from .image.load import load

__all__ = ["load"]
