# SPDX-License-Identifier: GPL-3.0-or-later
"""The 512-byte headers of tar: fields, numbers, checksums and pax records as data.

Source: POSIX.1-2018 pax(1), "ustar Interchange Format" and "pax Extended Header"; GNU tar's manual, "Basic
Tar Format". Archives are untrusted, so any violation of the format raises ArchiveBroken.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from ...errors import ArchiveBroken

BLOCK = 512
_FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s8s64x8s8s155s12x")
_BLANK = b" \0"
#: The limit of time_t and off_t.
_LARGEST = 2**63 - 1
#: Bits of the two parts of a device number in the kernel (MINORBITS in include/linux/kdev_t.h).
_MAJOR_BITS, _MINOR_BITS = 12, 20
#: Values that the kernel takes as a C string; a zero byte would truncate one.
_TEXTS = (b"path", b"linkpath", b"GNU.sparse.name")


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
    """Parse a header block; raises ArchiveBroken if its checksum is wrong."""
    name, mode, uid, gid, size, mtime, check, kind, link, magic, major, minor, prefix = _FIELDS.unpack(block)
    if not _checks(block, check):
        raise ArchiveBroken("not a tar archive, or a damaged one: a header has a wrong checksum")
    name = text(name)
    if magic == b"ustar\x0000":  # in GNU's own format ("ustar  ") the prefix field holds times
        name = _joined(text(prefix), name)
    return Header(
        name=name,
        mode=number(mode),
        uid=number(uid),
        gid=number(gid),
        size=number(size),
        mtime=number(mtime, least=-_LARGEST),
        kind=kind,
        link=text(link),
        device=_device(number(major), number(minor)) if kind in b"34" else (0, 0),
    )


def _device(major: int, minor: int) -> tuple[int, int]:
    if major >> _MAJOR_BITS or minor >> _MINOR_BITS:
        raise ArchiveBroken(
            f"a tar header has the device number {major}:{minor}, which Linux does not support"
        )
    return major, minor


def _checks(block: bytes, field: bytes) -> bool:
    # The checksum counts its own field as blanks. Some old programs summed signed bytes.
    blanked = block[:148] + b" " * 8 + block[156:]
    digits = text(field).strip(_BLANK).lstrip(b"0")
    return digits == b"%o" % sum(blanked) or digits == b"%o" % sum(memoryview(blanked).cast("b"))


def text(field: bytes) -> bytes:
    """Return the field up to its first zero byte."""
    return field.partition(b"\0")[0]


def _joined(prefix: bytes, name: bytes) -> bytes:
    return prefix + b"/" + name if prefix else name


def number(field: bytes, *, least: int = 0) -> int:
    """Parse a number field: octal text, or GNU's base 256 if the first bit is set."""
    value = _base256(field) if field[0] & 0x80 else _octal(field)
    if not least <= value <= _LARGEST:
        raise ArchiveBroken(f"a tar header has the number {value}, which is out of range")
    return value


def _octal(field: bytes) -> int:
    digits = text(field).strip(_BLANK) or b"0"
    try:
        if digits.isdigit():  # int() would accept a sign and underscores too
            return int(digits, 8)
    except ValueError:  # an 8 or a 9
        pass
    raise ArchiveBroken(f"a tar header has {field!r} in place of a number")


def _base256(field: bytes) -> int:
    # The first bit marks the format; the next one is the sign of a two's complement number.
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
            raise ArchiveBroken("a pax header has a damaged record")
        if b"\0" in key or (b"\0" in value and key in _TEXTS):
            raise ArchiveBroken(
                "a pax header has a zero byte in the name of a record, in a path or in a link"
            )
        found.append((key, value))
        at += length
    return found


def kept(found: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the effective records: one with an empty value deletes earlier ones of its name, and itself.

    Records of sparse files are not touched: the map of a file that is one hole is empty.
    """
    if all(value for _key, value in found):  # the usual case
        return found
    last = {
        key: at for at, (key, value) in enumerate(found) if not value and not key.startswith(b"GNU.sparse.")
    }
    return [record for at, record in enumerate(found) if at > last.get(record[0], -1)]


def _record_length(data: bytes, at: int) -> int:
    space = data.find(b" ", at, at + 20)
    digits = data[at:space]
    if space < 0 or not digits.isdigit() or not space - at + 2 < int(digits) <= len(data) - at:
        raise ArchiveBroken("a pax header has a record of impossible length")
    return int(digits)


def decimal(value: bytes) -> int:
    """Parse a whole number of a pax record."""
    if not value.isdigit() or len(value) > 20 or int(value) > _LARGEST:
        raise ArchiveBroken(f"a pax header has {value[:40]!r} in place of a number")
    return int(value)


def nanoseconds(value: bytes) -> int:
    """Parse a time of a pax record, seconds with a fraction, as nanoseconds; further digits are dropped.

    The kernel accepts all seconds of 64 bits; a file system with a smaller range stores the nearest value.
    """
    whole, _point, fraction = value.partition(b".")
    negative = whole.startswith(b"-")
    seconds = decimal(whole[negative:] or b"0")
    if fraction and not fraction.isdigit():
        raise ArchiveBroken(f"a pax header has {value[:40]!r} in place of a time")
    nanos = seconds * 10**9 + int(fraction[:9].ljust(9, b"0"))
    return -nanos if negative else nanos
