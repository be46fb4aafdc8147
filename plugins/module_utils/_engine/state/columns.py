# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn values into what a column holds, and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ..errors import EngineError, StateCorrupt
from ..model.values import jsontext

_Json = TypeVar("_Json")
#: Of what a damaged row holds, so much is told.
_MOST_KEY, _MOST_TEXT = 80, 300


def dump(value: object) -> str:
    """Return JSON text; equal values give equal texts. Half of a surrogate pair, which no column takes, is written in escapes."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    return text


def plain(text: str) -> str:
    """Return text that a column takes: a name that is not UTF-8, in an error's words, is written in escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def load(text: str) -> Any:
    """Return what ``dump`` was given."""
    return jsontext.parse(text)


def load_as(kind: type[_Json], text: str) -> _Json:
    """Return what ``dump`` was given; raises TypeError when it is no ``kind`` (dict, list)."""
    value = load(text)
    if not isinstance(value, kind):
        raise TypeError(f"{kind.__name__} is stored, and {type(value).__name__} read")
    return value


def load_texts(text: str) -> dict[str, str]:
    """Return a mapping of texts to texts that ``dump`` was given; raises ValueError for anything else."""
    value = load_as(dict, text)
    if not all(isinstance(one, str) for one in value.values()):
        raise ValueError("a value is no text")
    return value


def check(row: sqlite3.Row, *, texts: str = "", integers: str = "", optional: str = "") -> None:
    """Raise ValueError when a column is not of its type: SQLite keeps whatever it is given, and a damaged file holds anything.

    Each argument names columns, apart by blanks; those of ``optional`` are texts or integers that may be NULL, and are named in
    one of the others too.
    """
    may_lack = {*optional.split()}
    for kind, names in ((str, texts), (int, integers)):
        for name in names.split():
            value = row[name]
            if not (isinstance(value, kind) or (value is None and name in may_lack)):
                raise ValueError(f"{name} is {type(value).__name__}, not {kind.__name__}")


@contextmanager
def decoding(table: str, row: sqlite3.Row) -> Iterator[None]:
    """Raise StateCorrupt, naming the row, when a column holds what nothing can be made of."""
    try:
        yield
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
        ArithmeticError,
        EngineError,
    ) as error:
        key = str(row[0])[:_MOST_KEY]
        why = str(error)[:_MOST_TEXT]
        raise StateCorrupt(
            f"the row {key!r} of table {table} can't be read: {type(error).__name__}: {why}",
            remedy="`slipway store rebuild` makes the database anew from what lies beside the containers, and takes up those "
            "that run (--dry-run tells what it would do)",
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
