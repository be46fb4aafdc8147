# SPDX-License-Identifier: GPL-3.0-or-later
"""The 512-byte headers of tar: fields, numbers, checksums and pax records as data.

Source: POSIX.1-2018 pax(1), "ustar Interchange Format" and "pax Extended Header"; GNU tar's manual, "Basic
Tar Format". All that is read here was written by somebody else, so whatever does not fit is ArchiveBroken.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from ..errors import ArchiveBroken

BLOCK = 512
_FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s8s64x8s8s155s12x")
_BLANK = b" \0"
#: What time_t and off_t hold.
_LARGEST = 2**63 - 1


class Header(NamedTuple):
    """One header block, decoded; names are raw bytes, ``device`` is (major, minor)."""

    name: bytes
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    kind: bytes
    link: bytes
    device: tuple[int, int]


def parse(block: bytes) -> Header:
    """Decode a header block; ArchiveBroken when its checksum is wrong."""
    name, mode, uid, gid, size, mtime, check, kind, link, magic, major, minor, prefix = _FIELDS.unpack(block)
    if not _checks(block, check):
        raise ArchiveBroken("this is no tar archive, or it is damaged: a header has the wrong checksum")
    name = _text(name)
    if magic == b"ustar\x0000":  # in GNU's own format ("ustar  ") the prefix field holds times
        name = _joined(_text(prefix), name)
    has_device = kind in b"34"
    return Header(
        name=name,
        mode=number(mode),
        uid=number(uid),
        gid=number(gid),
        size=number(size),
        mtime=number(mtime, least=-_LARGEST),
        kind=kind,
        link=_text(link),
        device=(number(major), number(minor)) if has_device else (0, 0),
    )


def _checks(block: bytes, field: bytes) -> bool:
    # The checksum counts its own field as blanks. Some old programs summed up signed bytes.
    blanked = block[:148] + b" " * 8 + block[156:]
    digits = _text(field).strip(_BLANK).lstrip(b"0")
    return digits == b"%o" % sum(blanked) or digits == b"%o" % sum(memoryview(blanked).cast("b"))


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _joined(prefix: bytes, name: bytes) -> bytes:
    return prefix + b"/" + name if prefix else name


def number(field: bytes, *, least: int = 0) -> int:
    """Read a number field: octal text, or GNU's base 256 when the first bit is set."""
    value = _base256(field) if field[0] & 0x80 else _octal(field)
    if not least <= value <= _LARGEST:
        raise ArchiveBroken(f"a tar header holds the number {value}, which is out of range")
    return value


def _octal(field: bytes) -> int:
    digits = _text(field).strip(_BLANK) or b"0"
    try:
        if digits.isdigit():  # int() would take a sign and underscores too
            return int(digits, 8)
    except ValueError:  # an 8 or a 9
        pass
    raise ArchiveBroken(f"a tar header holds {field!r} where a number belongs")


def _base256(field: bytes) -> int:
    # The first bit marks the form, the next one is the sign of a two's complement number.
    bits = 8 * len(field) - 1
    value = int.from_bytes(field, "big") & ((1 << bits) - 1)
    return value - (1 << bits) if field[0] & 0x40 else value


def records(data: bytes) -> list[tuple[bytes, bytes]]:
    """Split the data of a pax header into its records (``LENGTH KEY=VALUE`` and a newline) in order."""
    found = []
    at = 0
    while at < len(data):
        length = _record_length(data, at)
        key, equals, value = data[data.index(b" ", at) + 1 : at + length - 1].partition(b"=")
        if not equals or data[at + length - 1] != 0x0A:
            raise ArchiveBroken("a pax header holds a damaged record")
        found.append((key, value))
        at += length
    return found


def _record_length(data: bytes, at: int) -> int:
    space = data.find(b" ", at, at + 20)
    digits = data[at:space]
    if space < 0 or not digits.isdigit() or not space - at + 2 < int(digits) <= len(data) - at:
        raise ArchiveBroken("a pax header holds a record of impossible length")
    return int(digits)


def decimal(value: bytes) -> int:
    """Read a whole number of a pax record."""
    if not value.isdigit() or len(value) > 20 or int(value) > _LARGEST:
        raise ArchiveBroken(f"a pax header holds {value[:40]!r} where a number belongs")
    return int(value)


def nanoseconds(value: bytes) -> int:
    """Read a time of a pax record, seconds with a fraction, as nanoseconds; further digits are cut off."""
    whole, _point, fraction = value.partition(b".")
    negative = whole.startswith(b"-")
    seconds = decimal(whole[negative:] or b"0")
    if fraction and not fraction.isdigit():
        raise ArchiveBroken(f"a pax header holds {value[:40]!r} where a time belongs")
    nanos = seconds * 10**9 + int(fraction[:9].ljust(9, b"0"))
    return clock(-nanos if negative else nanos)


def clock(nanos: int) -> int:
    """Check that a time fits into what the kernel takes."""
    if abs(nanos) > _LARGEST:
        raise ArchiveBroken(f"an entry's time is out of range: {nanos // 10**9} seconds")
    return nanos
