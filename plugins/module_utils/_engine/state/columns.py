# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert values to the contents of columns, and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ..errors import EngineError, StateCorrupt
from ..model.values import jsontext

_Json = TypeVar("_Json")
#: Maximum lengths in errors about damaged rows.
_MOST_KEY, _MOST_TEXT = 80, 300


def dump(value: object) -> str:
    """Return JSON text, the same for equal values. Half of a surrogate pair, which is invalid in a column, is escaped."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    return text


def plain(text: str) -> str:
    """Return text that is valid in a column, with escapes for bytes that are not UTF-8, such as a name in an error."""
    return text.encode("utf-8", "backslashreplace").decode()


def load(text: str) -> Any:
    """Decode the result of ``dump``."""
    return jsontext.parse(text)


def load_as(kind: type[_Json], text: str) -> _Json:
    """Decode the result of ``dump``. Raises TypeError if it is not of type ``kind`` (dict, list)."""
    value = load(text)
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}, found {type(value).__name__}")
    return value


def load_texts(text: str) -> dict[str, str]:
    """Decode a mapping of strings to strings. Raises ValueError for anything else."""
    value = load_as(dict, text)
    if not all(isinstance(one, str) for one in value.values()):
        raise ValueError("a value is not a string")
    return value


def check(row: sqlite3.Row, *, texts: str = "", integers: str = "", optional: str = "") -> None:
    """Check the types of columns: SQLite does not enforce them, and a damaged file may contain any. Raises ValueError.

    Each argument names columns, separated by blanks; those in ``optional`` may be NULL, and are named in another argument too.
    """
    may_lack = {*optional.split()}
    for kind, names in ((str, texts), (int, integers)):
        for name in names.split():
            value = row[name]
            if not (isinstance(value, kind) or (value is None and name in may_lack)):
                raise ValueError(f"{name} is {type(value).__name__}, not {kind.__name__}")


@contextmanager
def decoding(table: str, row: sqlite3.Row) -> Iterator[None]:
    """Translate errors while decoding a row into StateCorrupt, naming the row."""
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
            f"the row {key!r} of table {table} is damaged: {type(error).__name__}: {why}",
            remedy="Run `slipway store rebuild`, which rebuilds the database from the sidecar files, and adopts running "
            "containers (--dry-run shows what it would do)",
            table=table,
            key=key,
        ) from error


def insert_text(table: str, columns: Iterable[str]) -> str:
    """Return an INSERT statement with parameters named like the columns."""
    names = tuple(columns)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"  # noqa: S608


def update_text(table: str, key: str, columns: Iterable[str]) -> str:
    """Return an UPDATE statement for the row with this key, with parameters named like the columns."""
    pairs = ", ".join(f"{name} = :{name}" for name in columns if name != key)
    return f"UPDATE {table} SET {pairs} WHERE {key} = :{key}"  # noqa: S608
