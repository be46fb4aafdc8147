# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the manual page slipway(8) in the macros of man(7); pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...version import VERSION
from .verb_table import Entry, VerbEntry

_ABOUT = (
    "Containers of the Ansible collection slipway.oci live without a daemon: this program is what the collection leaves on"
    " a host. Tasks make and change containers; with the program a person looks at them, and starts, stops or removes them."
    " Verbs, options and output are those of podman where it has them."
)
_EXITS = (
    ("0", "All went well."),
    (
        "1",
        "rm, rmi, volume rm, network rm: there is none of this name. healthcheck: not healthy. boot, shutdown: some failed.",
    ),
    (
        "2",
        "The command line is not understood. rm: the container runs. rmi, volume rm, network rm: something needs it.",
    ),
    ("125", "The engine refused, or failed; the reason is on the standard error."),
    ("126, 127", "exec: the command can't be run, or is not there. Else exec ends as the command does."),
)
_FILES = (
    ("/var/lib/slipway", "state: images, containers, volumes, and this program itself"),
    ("/run/slipway", "what a reboot empties"),
)
_EXAMPLES = (
    ("slipway ps -a", "all containers"),
    ("slipway logs -f --tail 20 web", "the last lines, and what comes"),
    ("slipway exec -it web sh", "a shell in a container"),
    ("slipway explain web", "why it is as it is"),
)


def page(verbs: Sequence[VerbEntry]) -> str:
    """Return the page."""
    return "".join(f"{line}\n" for line in _lines(verbs))


def _lines(verbs: Sequence[VerbEntry]) -> Iterator[str]:
    program, *rest = verbs
    yield '.\\" Made by slipway man.'
    yield f'.TH SLIPWAY 8 "" "slipway.oci {VERSION}" "System administration"'
    yield from _section("NAME", f"slipway \\- {_plain(program.help)}")
    yield from _section("SYNOPSIS", f".B {_plain(program.usage)}")
    yield from _section("DESCRIPTION", _plain(_ABOUT))
    yield ".SH OPTIONS"
    yield from _entries(program)
    yield ".SH VERBS"
    for verb in rest:
        yield f".SS {_plain(verb.words)}"
        yield f".B {_plain(verb.usage)}"
        yield ".PP"
        yield _plain(f"{verb.help[:1].upper()}{verb.help[1:]}.")
        yield from _entries(verb)
    for title, pairs in (("EXIT STATUS", _EXITS), ("FILES", _FILES), ("EXAMPLES", _EXAMPLES)):
        yield f".SH {title}"
        for name, text in pairs:
            yield from _paragraph(f".B {_plain(name)}", _plain(text))
    yield from _section("SEE ALSO", ".BR podman (1),\n.BR conmon (8)")


def _section(title: str, text: str) -> Iterator[str]:
    yield f".SH {title}"
    yield text


def _entries(verb: VerbEntry) -> Iterator[str]:
    for entry in verb.entries:
        if entry.help or entry.choices:
            yield from _paragraph(f".B {_plain(_written(entry))}", _plain(entry.help or _choices(entry)))


def _written(entry: Entry) -> str:
    return ", ".join(entry.flags) + (f" {entry.takes}" if entry.flags and entry.takes else "") or entry.takes


def _choices(entry: Entry) -> str:
    return f"one of {', '.join(entry.choices)}"


def _paragraph(head: str, text: str) -> Iterator[str]:
    yield ".TP"
    yield head
    yield text


def _plain(text: str) -> str:
    """Return text in which nothing is a request of roff."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped
