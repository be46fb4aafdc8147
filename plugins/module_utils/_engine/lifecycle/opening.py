# SPDX-License-Identifier: GPL-3.0-or-later
"""Open an engine; kept at this path for programs outside the collection, the file is host/opening.py."""

from .host.opening import open_engine

__all__ = ["open_engine"]
