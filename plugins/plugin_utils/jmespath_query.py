# SPDX-License-Identifier: GPL-3.0-or-later
"""JMESPath expressions over results; errors show the position in the expression."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

_LACKING = (
    "the Python library jmespath is missing on the controller. Install it for {python}: pip install jmespath"
)


class QueryError(Exception):
    """The expression is invalid, or does not fit the data; the message says where and why.

    It has no cause, because Ansible would show that too, and jmespath's errors contain values of the data,
    which may be secret.
    """


class Query:
    """A valid JMESPath expression. Raises QueryError."""

    def __init__(self, expression: str) -> None:
        try:
            import jmespath
        except ImportError:
            raise QueryError(_LACKING.format(python=sys.executable)) from None
        if not isinstance(expression, str):
            raise QueryError(f"a query must be a JMESPath string, not {expression!r}")
        self._text = expression
        self._errors = jmespath.exceptions
        try:
            self._compiled = jmespath.compile(self._text)
        except self._errors.JMESPathError as error:
            raise self._broken(error) from None

    def search(self, data: Any) -> Any:
        """Return the result of the expression, None if it matches nothing. Raises QueryError."""
        try:
            return self._compiled.search(plain(data))
        except ValueError as error:  # includes JMESPathError, and the error for a slice with step 0
            raise self._unfit(error) from None

    def _broken(self, error: Exception) -> QueryError:
        """Return the error for an invalid expression."""
        if isinstance(error, self._errors.EmptyExpressionError):
            return QueryError("the query is empty")
        if isinstance(error, self._errors.IncompleteExpressionError):
            return self._pointed("it ends too early", [len(self._text)])
        if isinstance(error, self._errors.LexerError):
            return self._pointed(f"{error.message[:1].lower()}{error.message[1:]}", [error.lexer_position])
        token = f"unexpected {error.token_value!r}" if error.token_value else "it ends too early"
        return self._pointed(token, [error.lex_position])

    def _unfit(self, error: ValueError) -> QueryError:
        """Return the error for an expression that does not fit the data; of a value, only the type is shown."""
        if isinstance(error, self._errors.JMESPathTypeError):
            expected = " or ".join(error.expected_types)
            why = f"{error.function_name}() takes {expected}, not {error.actual_type}"
            return self._pointed(why, self._calls(error.function_name))
        if isinstance(error, self._errors.ArityError):
            return self._pointed(str(error), self._calls(error.function_name))
        if isinstance(error, self._errors.UnknownFunctionError):
            name = str(error).rpartition(" ")[2].removesuffix("()")
            return self._pointed(f"there is no function {name}()", self._calls(name))
        return self._pointed(str(error), [])

    def _calls(self, function: str) -> list[int]:
        """Return the positions of all calls of a function: a run-time error does not say which call failed."""
        from jmespath.lexer import Lexer

        tokens = [*Lexer().tokenize(self._text)]
        return [
            token["start"]
            for token, after in zip(tokens, tokens[1:])
            if token["value"] == function and after["type"] == "lparen"
        ]

    def _pointed(self, why: str, places: Iterable[int]) -> QueryError:
        return QueryError(f"the query fails: {why}\n{_pointing(self._text, places)}")


def _pointing(text: str, places: Iterable[int]) -> str:
    """Return the lines of the expression, with carets below the positions."""
    shown, start, left = [], 0, sorted(places)
    lines = text.rstrip("\n").split("\n")
    for line in lines:
        end = len(text) if line is lines[-1] else start + len(line)
        here = [min(place - start, len(line)) for place in left if start <= place <= end]
        shown.append(f"  {line}")
        if here:
            shown.append("  " + "".join("^" if column in here else " " for column in range(max(here) + 1)))
        start += len(line) + 1
    return "\n".join(shown)


def plain(value: Any) -> Any:
    """Return the value in built-in types: jmespath compares type names, and Ansible uses subclasses."""
    if value is None or isinstance(value, bool):
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (Sequence, AbstractSet)) and not isinstance(value, bytes):
        return [plain(item) for item in value]
    return value
