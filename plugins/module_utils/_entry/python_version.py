# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse a Python that is too old for the engine; this file and its importers work with Python 3.8."""

from __future__ import annotations

import json
import sys

#: The oldest version that the engine supports.
OLDEST = (3, 9)


def require_python() -> None:
    """Exit with an error unless this Python is new enough."""
    if sys.version_info < OLDEST:
        # fail_json needs the module's options, which only the engine knows.
        sys.stdout.write(json.dumps(refusal(sys.executable, sys.version_info[:3])))
        raise SystemExit(1)


def refusal(path: str, version: tuple[int, ...]) -> dict[str, object]:
    """Return the result of a task that was run by such a Python."""
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
