# SPDX-License-Identifier: GPL-3.0-or-later
"""Put JSON ahead of raw bytes: how the controller's plugins and ``slipway connect`` talk over a plain byte stream.

A frame is eight decimal digits, the length of the JSON in bytes, then the JSON. Nothing after it is touched, so a command
gets the rest of the stream as its own standard input. Texts may hold any bytes, as os.fsdecode() has them.
"""

from __future__ import annotations

import json

from ..values import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:  # the agent reads one at each command of a play: typing costs it 7 ms
    from collections.abc import Mapping
    from typing import Any

#: How many digits tell the length.
DIGITS = 8
#: A command is 128 KiB at most (MAX_ARG_STRLEN), its environment a few of those; in bytes.
LIMIT = 16 * 1024 * 1024


def encode(content: Mapping[str, Any]) -> bytes:
    """Return the frame; raises ValueError for one that is too long."""
    text = json.dumps(content).encode("ascii")
    if len(text) > LIMIT:
        raise ValueError(f"{len(text)} bytes are more than the {LIMIT} of a header")
    return b"%08d%s" % (len(text), text)


def split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header that begins the bytes, and what comes after it; raises ValueError."""
    end = DIGITS + length(data[:DIGITS])
    return header(data[DIGITS:end], end - DIGITS), data[end:]


def length(digits: bytes) -> int:
    """Return how long a header is, by the digits that begin its frame; raises ValueError."""
    if len(digits) != DIGITS or not digits.isdigit() or int(digits) > LIMIT:
        raise ValueError(f"{digits!r} is no length of a header")
    return int(digits)


def header(text: bytes, expected: int) -> dict[str, Any]:
    """Return the header, which ought to be that long; raises ValueError."""
    if len(text) != expected:
        raise ValueError("the header is cut off")
    return jsontext.parse_object(text)
