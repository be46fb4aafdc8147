# SPDX-License-Identifier: GPL-3.0-or-later
"""Build SQLite URIs, which are the only way to open a database without creating it (sqlite.org/uri.html)."""

from __future__ import annotations

import os


def uri(path: str, how: str) -> str:
    """Return the URI of a path; ``how`` are its parameters, as in ``mode=rw``."""
    quoted = os.path.abspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return f"file:{quoted}?{how}"
