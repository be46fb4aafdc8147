# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn values into what a column holds, and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import StateCorrupt
from ..model import jsontext


def dump(value: object) -> str:
    """Return JSON text; equal values give equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def load(text: str) -> Any:
    """Return what ``dump`` was given."""
    return jsontext.parse(text)


@contextmanager
def decoding(table: str, row: sqlite3.Row) -> Iterator[None]:
    """Raise StateCorrupt, naming the row, when a column holds what nothing can be made of."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        key = str(row[0])
        raise StateCorrupt(
            f"the row {key!r} of table {table} can't be read: {type(error).__name__}: {error}",
            remedy="Put a backup of the database in its place, or remove and make the thing again",
            table=table,
            key=key,
        ) from error


def insert_text(table: str, columns: Iterable[str]) -> str:
    """Return an INSERT whose values are named as the columns."""
    names = tuple(columns)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"  # noqa: S608


def update_text(table: str, key: str, columns: Iterable[str]) -> str:
    """Return an UPDATE of the row with this key, whose values are named as the columns."""
    pairs = ", ".join(f"{name} = :{name}" for name in columns if name != key)
    return f"UPDATE {table} SET {pairs} WHERE {key} = :{key}"  # noqa: S608
