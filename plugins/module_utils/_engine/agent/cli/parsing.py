# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the command line; errors suggest similar words."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from ...model.values.names import near


class Parser(argparse.ArgumentParser):
    """A parser without abbreviations, which stores itself as ``parser`` in the arguments it has parsed."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)
        self.set_defaults(parser=self)

    @property
    def flags(self) -> frozenset[str]:
        """The option strings that the parser accepts."""
        return frozenset(self._option_string_actions)


def read(parser: Parser, argv: Sequence[str]) -> argparse.Namespace:
    """Return the parsed arguments, with the verb's options as ``flags``; exits with 2 on a usage error."""
    arguments, unknown = parser.parse_known_args(argv)
    arguments.flags = arguments.parser.flags | parser.flags
    if unknown:
        word = unknown[0].partition("=")[0]
        known = [flag for flag in arguments.parser.flags if flag.startswith("--")]
        what = "option" if word.startswith("-") else "argument"
        arguments.parser.error(f"unknown {what} {word}{_near(word, known)}")
    return arguments


def verb_in(argv: Sequence[str]) -> str | None:
    """Return the first word that is not an option of the program itself, or None."""
    words = iter(argv)
    for word in words:
        if word in ("--root", "--run-root"):
            next(words, None)
        elif not word.startswith("-"):
            return word
    return None


def unknown_verb(word: str, known: Iterable[str]) -> str:
    """Return the error text for an unknown verb."""
    return f"unknown verb {word}{_near(word, known)}. slipway --help lists them"


def _near(word: str, known: Iterable[str]) -> str:
    found = near(word, known)
    return f" (near: {', '.join(found)})" if found else ""
