# SPDX-License-Identifier: GPL-3.0-or-later
"""Decode JSON that others have written (pure)."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from typing import Any


def is_a(value: Any, kind: type) -> bool:
    """Return whether a decoded value is of a type; unlike for isinstance(), true and false are no numbers."""
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def parse(text: str | bytes) -> Any:
    """Return the value; raises ValueError for what is not JSON in UTF-8, and for JSON that is nested deeper than Python reads.

    Without this, a thousand opening brackets end in a RecursionError, which no caller expects.
    """
    try:
        return json.loads(text.decode("utf-8") if isinstance(text, bytes) else text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def parse_object(text: str | bytes) -> dict[str, Any]:
    """Return the JSON object; raises ValueError for anything else."""
    value = parse(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 (one error for whatever the text is)
    return value
