# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse a Python that is too old to read the engine; this file, and what imports it, it can read (3.8 on)."""

from __future__ import annotations

import json
import sys

#: The oldest that the engine is written for.
OLDEST = (3, 9)


def require_python() -> None:
    """End the task unless this Python is new enough."""
    if sys.version_info < OLDEST:
        # fail_json would need the module's options, which only the engine knows.
        sys.stdout.write(json.dumps(refusal(sys.executable, sys.version_info[:3])))
        raise SystemExit(1)


def refusal(path: str, version: tuple[int, ...]) -> dict[str, object]:
    """Return what a task returns that such a Python has run."""
    found, needed = (".".join(map(str, numbers)) for numbers in (version, OLDEST))
    return {
        "failed": True,
        "msg": f"slipway.oci needs Python {needed} or newer on the host, and {path} is Python {found}."
        " Point ansible_python_interpreter at a newer one",
        "error": "python_too_old",
        "python": path,
        "found": found,
        "needed": needed,
    }
