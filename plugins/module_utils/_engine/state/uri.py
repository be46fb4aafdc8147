# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a database's path as SQLite's URI, by which alone it can be opened without being made (sqlite.org/uri.html)."""

from __future__ import annotations

import os


def uri(path: str, how: str) -> str:
    """Return the URI of the path; ``how`` are its parameters, as ``mode=rw``."""
    quoted = os.path.abspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return f"file:{quoted}?{how}"
