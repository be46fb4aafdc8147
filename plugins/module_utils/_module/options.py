# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that every module has, which select the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._engine.errors import NotBuiltYet, Setting, Words
from .._engine.model.container.cgroup import MANAGERS
from .._engine.model.engine.places import DEFAULT_ROOT, DEFAULT_RUN_ROOT
from .._engine.model.engine.storage_drivers import DRIVERS

#: An argument spec of AnsibleModule: option -> type, default, aliases and so on.
ArgumentSpec = Mapping[str, Mapping[str, Any]]

ENGINE_OPTIONS: ArgumentSpec = {
    "root": {"type": "path", "default": DEFAULT_ROOT},
    "run_root": {"type": "path", "default": DEFAULT_RUN_ROOT},
    "runtime": {"type": "str"},
    "cgroup_manager": {"type": "str", "choices": [*MANAGERS]},
    "storage_driver": {"type": "str", "choices": [*DRIVERS]},
}


def declared(options: type) -> ArgumentSpec:
    """Return the argument spec that a class of options declares."""
    return {name: argument for name, argument in vars(options).items() if not name.startswith("_")}


def refuse(options: Sequence[str], *, remedy: str = "Leave it out") -> None:
    """Raise NotBuiltYet naming all of the options, if there are any."""
    if options:
        parts = [part for option in options for part in (", ", Setting(option))]
        message = Words(*parts[1:], ": not implemented yet")
        raise NotBuiltYet(message, remedy=remedy, option=options[0], options=[*options])


#: The option that selects objects in a module that only reads.
NAMES_OPTION: ArgumentSpec = {"name": {"type": "list", "elements": "str"}}


#: The options that select objects that have labels.
LABELLED_OPTIONS: ArgumentSpec = {
    **NAMES_OPTION,
    "label": {"type": "list", "elements": "str", "aliases": ["labels"]},
}


def names_asked(params: Mapping[str, Any]) -> Sequence[str] | None:
    """Return the requested names, or None for all; an empty list selects nothing."""
    names: Sequence[str] | None = params["name"]
    return names


class Labelled(NamedTuple):
    """A selection of objects: by name (None for all), restricted to those that have these labels."""

    names: Sequence[str] | None
    labels: Sequence[str]


def labelled_asked(params: Mapping[str, Any]) -> Labelled:
    """Return the selection that the task requests."""
    return Labelled(names_asked(params), params["label"] or ())
