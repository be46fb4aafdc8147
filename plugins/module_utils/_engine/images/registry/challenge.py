# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse a registry's authentication challenges and error messages; pure.

Sources: RFC 9110, 11.6.1 (WWW-Authenticate) and 10.2.3 (Retry-After); OCI distribution-spec v1.1, "Error Codes"; the token
specification of the distribution project.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from ...frozen import dataclass
from ...model.values import jsontext

_SCHEME = re.compile(r"\s*,?\s*([A-Za-z][A-Za-z0-9-]*)(?:\s+|$)")
_PARAMETER = re.compile(r'\s*,?\s*([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
#: The longest text of a registry that an error message quotes.
_WIDTH = 300
#: The longest header that is parsed.
_LONGEST = 8192


@dataclass(frozen=True)
class Challenge:
    """One authentication scheme, in lower case (``basic``, ``bearer``), and its parameters."""

    scheme: str
    parameters: Mapping[str, str]


def challenges(header: str) -> tuple[Challenge, ...]:
    """Parse WWW-Authenticate; parsing stops at the first invalid part."""
    header, at = header[:_LONGEST], 0
    found: list[Challenge] = []
    while scheme := _SCHEME.match(header, at):
        at, parameters = scheme.end(), {}
        while parameter := _PARAMETER.match(header, at):
            at = parameter.end()
            name, quoted, plain = parameter.groups()
            parameters[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
        found.append(Challenge(scheme.group(1).lower(), parameters))
    return tuple(found)


def said(raw: bytes) -> str:
    """Return the first error in a response body, in one line: its code and message, or ``""``."""
    try:
        document = jsontext.parse(raw)
    except ValueError:
        return ""
    errors = document.get("errors") if isinstance(document, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else document
    if not isinstance(first, dict):
        return ""
    texts = [str(first[key]) for key in ("code", "message", "details") if isinstance(first.get(key), str)]
    return printable(": ".join(texts))


def printable(text: str) -> str:
    """Return a remote text as one line without characters that could control a terminal."""
    line = " ".join(text[: 4 * _WIDTH].split())
    return "".join(one if one.isprintable() else "?" for one in line)[:_WIDTH]


def wait_of(header: str | None, now: float | None = None) -> float | None:
    """Return the seconds that Retry-After asks for, or None if it is missing or invalid."""
    if header is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", header):
        return float(header)
    try:
        at = parsedate_to_datetime(header[:100]).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return max(0.0, at - (time.time() if now is None else now))
