# SPDX-License-Identifier: GPL-3.0-or-later
"""Give what leaves the engine a form in UTF-8; called at the edges alone, where results leave.

Inside, bytes that are no UTF-8 are surrogates, as everywhere in Python, and JSON of others can hold half of a pair.
Neither Ansible nor a JSON reader takes them. They become U+FFFD, each byte for itself, as in what podman prints.
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
    """Return a result with no surrogate in any text of it, keys too; bytes become text."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return {whole(key): whole(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [whole(item) for item in value]
    return value
