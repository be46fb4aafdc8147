# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the Go templates that podman's users write after ``--format``: fields, ``json`` and ``table``; pure.

``{{.Names}}``, ``{{.State.Pid}}``, ``{{json .Mounts}}``, ``{{index .Config.Labels "a"}}``, ``{{.Label "a"}}``. Conditions,
loops and pipes are refused with an error that names them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...errors import InvalidOption
from ...frozen import dataclass
from .output import as_json

_OPTION = "format"
_ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_PATH = r"((?:\.\w+)+|\.)"
_KEY = r"\s+[\"`]([^\"`]*)[\"`]"
_FORMS = (
    (re.compile(_PATH), "field"),
    (re.compile(rf"json\s+{_PATH}"), "json"),
    (re.compile(rf"index\s+{_PATH}{_KEY}"), "index"),
    (re.compile(rf"(\.\w+){_KEY}"), "index"),
)
_ESCAPES = {r"\t": "\t", r"\n": "\n"}
_REMEDY = 'Write text with {{.Field}}, {{json .Field}} or {{index .Field "key"}}, or json'
#: Returns the value of a field by its path; raises KeyError if the field does not exist.
Look = Callable[[Sequence[str]], object]


@dataclass(frozen=True)
class Part:
    """A piece of the output: literal text, or the value of a field (then ``form`` is set)."""

    text: str
    form: str = ""
    key: str = ""

    @property
    def path(self) -> tuple[str, ...]:
        """Return the names that lead to the field, outermost first."""
        return tuple(filter(None, self.text.split(".")))


@dataclass(frozen=True)
class Template:
    """A template; ``table``: each line is a row of tab-separated columns, below headings."""

    parts: tuple[Part, ...]
    table: bool = False

    def fields(self) -> list[str]:
        """Return the first name of each path, in order."""
        return [part.path[0] for part in self.parts if part.form and part.path]

    def render(self, look: Look) -> str:
        """Return one line; raises InvalidOption if a field does not exist."""
        return "".join(_value(part, look) if part.form else part.text for part in self.parts)

    def headings(self, known: Mapping[str, str]) -> str:
        """Return the heading line of a table."""
        return "".join(
            known.get(part.path[0] if part.path else "", part.text.strip(".").upper())
            if part.form
            else part.text
            for part in self.parts
        )


def parse(text: str) -> Template:
    """Parse a template; raises InvalidOption for unsupported syntax."""
    table = text == "table" or text.startswith("table ")
    rest = text[len("table ") :] if table else text
    parts, end = [], 0
    for found in _ACTION.finditer(rest):
        parts += [Part(_plain(rest[end : found.start()], text)), _part(found[1].strip(), text)]
        end = found.end()
    parts.append(Part(_plain(rest[end:], text)))
    return Template(tuple(part for part in parts if part.text), table)


def _plain(text: str, whole: str) -> str:
    if "{{" in text or "}}" in text:
        raise InvalidOption(_OPTION, whole, "has unbalanced braces", remedy=_REMEDY)
    for escape, character in _ESCAPES.items():
        text = text.replace(escape, character)
    return text


def _part(action: str, whole: str) -> Part:
    for pattern, form in _FORMS:
        found = pattern.fullmatch(action)
        if found:
            return Part(found[1], form, found[2] if found.re.groups > 1 else "")
    raise InvalidOption(_OPTION, whole, f"has {{{{{action}}}}}, which is not supported", remedy=_REMEDY)


def _value(part: Part, look: Look) -> str:
    try:
        value = look(part.path)
        if part.form == "index":
            # As in Go, a missing key has the empty value.
            value = value.get(part.key, "") if isinstance(value, Mapping) else ""
    except KeyError as error:
        near = error.args[1] if len(error.args) > 1 else ()
        hint = f" (near: {', '.join(near)})" if near else ""
        raise InvalidOption(_OPTION, part.text, f"is not a field{hint}", remedy=_REMEDY) from None
    return as_json(value) if part.form == "json" else as_go(value)


def look_into(shape: object) -> Look:
    """Return the function that looks up a path in nested mappings."""

    def look(path: Sequence[str]) -> object:
        from ...model.values.names import near

        found = shape
        for word in path:
            if not isinstance(found, Mapping):
                raise KeyError(word)
            if word not in found:
                raise KeyError(word, near(word, found))
            found = found[word]
        return found

    return look


def as_go(value: Any) -> str:
    """Return a value in Go's notation."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "<nil>"
    if isinstance(value, Mapping):
        return f"map[{' '.join(f'{key}:{as_go(value[key])}' for key in sorted(value))}]"
    if isinstance(value, (list, tuple)):
        return f"[{' '.join(map(as_go, value))}]"
    return str(value)
