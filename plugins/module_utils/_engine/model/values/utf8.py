# SPDX-License-Identifier: GPL-3.0-or-later
"""Make output valid UTF-8; called only where results leave the engine.

Internally, bytes that are not UTF-8 are surrogates, as everywhere in Python, and foreign JSON may contain half of a pair.
Ansible and JSON parsers reject both. Each is replaced by U+FFFD, as in podman's output.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:  # `slipway connect` runs at each command of a play
    from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


def text(value: str) -> str:
    """Return the text with U+FFFD for each surrogate."""
    return _SURROGATE.sub(_REPLACEMENT, value)


def whole(value: Any) -> Any:
    """Return a result without surrogates in any string, including keys; bytes become strings."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return {whole(key): whole(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [whole(item) for item in value]
    return value
