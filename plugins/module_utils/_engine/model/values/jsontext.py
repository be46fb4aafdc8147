# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse untrusted JSON (pure)."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from typing import Any


def is_a(value: Any, kind: type) -> bool:
    """Return whether a decoded value has a type; unlike with isinstance(), a boolean is not an integer."""
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def parse(text: str | bytes) -> Any:
    """Parse JSON in UTF-8. Raises ValueError for anything else, and for JSON that is nested too deeply for Python.

    json.loads() raises RecursionError for a thousand opening brackets, which no caller expects.
    """
    try:
        return json.loads(text.decode("utf-8") if isinstance(text, bytes) else text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def parse_object(text: str | bytes) -> dict[str, Any]:
    """Parse a JSON object. Raises ValueError for anything else."""
    value = parse(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 (the same error for any invalid text)
    return value
