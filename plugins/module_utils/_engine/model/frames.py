# SPDX-License-Identifier: GPL-3.0-or-later
"""Put JSON ahead of raw bytes: how the controller's plugins and ``slipway connect`` talk over a plain byte stream.

A frame is eight decimal digits, the length of the JSON in bytes, then the JSON. Nothing after it is touched, so a command
gets the rest of the stream as its own standard input. Texts may hold any bytes, as os.fsdecode() has them.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:  # the agent reads one at each command of a play: typing costs it 7 ms
    from collections.abc import Mapping
    from typing import Any

_DIGITS = 8
#: A command is 128 KiB at most (MAX_ARG_STRLEN), its environment a few of those; in bytes.
LIMIT = 16 * 1024 * 1024


def encode(header: Mapping[str, Any]) -> bytes:
    """Return the frame; raises ValueError for one that ``read`` would refuse."""
    text = json.dumps(header).encode("ascii")
    if len(text) > LIMIT:
        raise ValueError(f"{len(text)} bytes are more than the {LIMIT} of a header")
    return b"%08d%s" % (len(text), text)


def split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header that begins the bytes, and what comes after it; raises ValueError."""
    end = _DIGITS + _length(data[:_DIGITS])
    return _header(data[_DIGITS:end], end - _DIGITS), data[end:]


def read(fd: int) -> dict[str, Any]:
    """Read a header, and not a byte more; raises ValueError."""
    length = _length(_exactly(fd, _DIGITS))
    return _header(_exactly(fd, length), length)


def _length(digits: bytes) -> int:
    if len(digits) != _DIGITS or not digits.isdigit() or int(digits) > LIMIT:
        raise ValueError(f"{digits!r} is no length of a header")
    return int(digits)


def _header(text: bytes, length: int) -> dict[str, Any]:
    if len(text) != length or not text.startswith(b"{"):
        raise ValueError("the header is cut off, or no object")
    header: dict[str, Any] = json.loads(text)
    return header


def _exactly(fd: int, count: int) -> bytes:
    data = b""
    while len(data) < count and (piece := os.read(fd, count - len(data))):
        data += piece
    return data
