# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON headers in a byte stream: the protocol between the controller's plugins and ``slipway connect``.

A frame is the length of the JSON in bytes, as eight decimal digits, then the JSON. Nothing after it is read, so a command
gets the rest of the stream as its standard input. Strings may contain arbitrary bytes, as os.fsdecode() represents them.
"""

from __future__ import annotations

import json

from ..values import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:  # the agent reads a header for each command of a play: importing typing takes 7 ms
    from collections.abc import Mapping
    from typing import Any

#: Number of digits of the length.
DIGITS = 8
#: Maximum length in bytes. An argument has at most 128 KiB (MAX_ARG_STRLEN), the environment a few times that.
LIMIT = 16 * 1024 * 1024


def encode(content: Mapping[str, Any]) -> bytes:
    """Return the frame. Raises ValueError if it is too long."""
    text = json.dumps(content).encode("ascii")
    if len(text) > LIMIT:
        raise ValueError(f"a header of {len(text)} bytes exceeds the limit of {LIMIT}")
    return b"%08d%s" % (len(text), text)


def split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header at the start of the bytes, and the rest. Raises ValueError."""
    end = DIGITS + length(data[:DIGITS])
    return header(data[DIGITS:end], end - DIGITS), data[end:]


def length(digits: bytes) -> int:
    """Parse the length of a header. Raises ValueError."""
    if len(digits) != DIGITS or not digits.isdigit() or int(digits) > LIMIT:
        raise ValueError(f"{digits!r} is not the length of a header")
    return int(digits)


def header(text: bytes, expected: int) -> dict[str, Any]:
    """Parse a header that must have the expected length. Raises ValueError."""
    if len(text) != expected:
        raise ValueError("the header is truncated")
    return jsontext.parse_object(text)
