# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: SLF001  (argparse has no other way to read a parser)
"""Extract all verbs, with their options and arguments, from the parser, for the manual and for completion."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NamedTuple, Optional


class Entry(NamedTuple):
    """An option (with flags) or an argument (without); ``takes``: the name of its value, "" for none."""

    flags: tuple[str, ...]
    takes: str
    choices: tuple[str, ...]
    help: str


class VerbEntry(NamedTuple):
    """A verb, in the words of a command (``volume ls``); "" is the program itself."""

    words: str
    help: str
    usage: str
    entries: tuple[Entry, ...]

    @property
    def flags(self) -> list[str]:
        """Return all spellings of all options."""
        return [flag for entry in self.entries for flag in entry.flags]

    @property
    def arguments(self) -> list[Entry]:
        """Return the positional arguments."""
        return [entry for entry in self.entries if not entry.flags]


def entries(parser: argparse.ArgumentParser) -> list[VerbEntry]:
    """Return the program and its verbs in the order of the help; ``parser`` must have all verbs."""
    return [_verb("", parser, parser.description or ""), *_verbs("", parser)]


def _verbs(before: str, parser: argparse.ArgumentParser) -> Iterator[VerbEntry]:
    action = _subparsers(parser)
    if action is None:
        return
    helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
    seen = set()
    for name, below in action.choices.items():
        if name in helps and id(below) not in seen:
            seen.add(id(below))
            words = f"{before} {name}".strip()
            yield _verb(words, below, helps[name])
            yield from _verbs(words, below)


def _subparsers(parser: argparse.ArgumentParser) -> Optional[argparse._SubParsersAction]:  # type: ignore[type-arg]
    return next((one for one in parser._actions if isinstance(one, argparse._SubParsersAction)), None)


def _verb(words: str, parser: argparse.ArgumentParser, text: str) -> VerbEntry:
    own = [one for one in parser._actions if not isinstance(one, argparse._SubParsersAction)]
    # Usage lines are wrapped at the width of the caller's terminal.
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    return VerbEntry(words, text, usage, tuple(_entry(parser, one) for one in own))


def _entry(parser: argparse.ArgumentParser, action: argparse.Action) -> Entry:
    takes = "" if action.nargs == 0 else str(action.metavar or action.dest).upper()
    choices = tuple(map(str, action.choices or ()))
    formatter = parser._get_formatter()
    text = formatter._expand_help(action) if action.help else ""
    return Entry(tuple(action.option_strings), takes, choices, text)
