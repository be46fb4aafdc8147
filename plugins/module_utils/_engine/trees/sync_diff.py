# SPDX-License-Identifier: GPL-3.0-or-later
"""The differences of files in the form of ``--diff``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Optional

from ..model.values.sparse import Piece
from .place import Place, read
from .sync import (
    CONTENT,
    CREATE,
    DELETE,
    FILE,
    GROUP,
    KIND,
    MODE,
    OWNER,
    SYMLINK,
    Change,
    Found,
    Tree,
    Wanted,
    settled,
)

#: A file above this size in bytes is shown by its size only.
LARGEST_TEXT = 64 * 1024
#: After this many bytes of contents in total the rest is shown by size: nobody reads the diff of ten thousand files.
_LARGEST_OF_ALL = 1024 * 1024


def differences(
    tree: Tree, found: Mapping[str, Found], changes: Sequence[Change], place: Place
) -> list[dict[str, str]]:
    """Return the differences by path in the form of Ansible's ``diff``."""
    left = _LARGEST_OF_ALL
    told = []
    for change in changes:
        pair = _pair(tree.get(change.path), found.get(change.path), change, place, min(left, LARGEST_TEXT))
        left -= len(pair["before"]) + len(pair["after"])
        told.append(pair)
    return told


def _pair(
    wanted: Optional[Wanted], found: Optional[Found], change: Change, place: Place, limit: int
) -> dict[str, str]:
    path = change.path
    old = _before(found, place, path, limit) if found and {CONTENT, DELETE, KIND} & {*change.what} else ""
    new = _after(wanted, limit) if wanted and {CREATE, CONTENT, KIND} & {*change.what} else ""
    if wanted and found and {OWNER, GROUP, MODE} & {*change.what}:
        after = settled(wanted, found, change.what)
        old = _attributes(found, change.what) + old
        new = _attributes(after, change.what) + new
    return {"before_header": path, "after_header": path, "before": old, "after": new}


def _attributes(seen: Found | Wanted, what: tuple[str, ...]) -> str:
    lines = {
        OWNER: f"owner: {seen.uid}\n",
        GROUP: f"group: {seen.gid}\n",
        MODE: f"mode: {seen.mode or 0:04o}\n",
    }
    return "".join(line for name, line in lines.items() if name in what)


def _before(found: Found, place: Place, path: str, limit: int) -> str:
    if found.kind != FILE:
        return _no_file(found)
    return _text(read(place, path.split("/")), found.size, limit)


def _after(wanted: Wanted, limit: int) -> str:
    return _text(wanted.pieces(), wanted.size, limit) if wanted.kind == FILE else _no_file(wanted)


def _no_file(seen: Found | Wanted) -> str:
    return f"symlink to {_printable(seen.link)}\n" if seen.kind == SYMLINK else f"{seen.kind}\n"


def _text(pieces: Iterator[Piece], size: int, limit: int) -> str:
    if size > limit:
        return f"file of {size} bytes\n"
    content = _joined(pieces, limit)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    return f"file of {size} bytes, not text\n" if "\0" in text else text


def _joined(pieces: Iterator[Piece], limit: int) -> bytes:
    """Return the content, but of a file that has grown meanwhile not much more than ``limit`` bytes."""
    content = bytearray()
    for offset, data in pieces:
        content += bytes(min(offset, limit) - len(content)) + data
        if len(content) >= limit:
            break
    return bytes(content)


def _printable(text: str) -> str:
    return os.fsencode(text).decode("utf-8", "replace")
