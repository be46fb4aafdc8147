# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the engine's modules from the agent on the host where it is the same engine: those are compiled already.

What travels in a module's zip is compiled anew at each task, which took a third of the time of a task that changes nothing.
Every module imports this file before anything else of the collection, and calls ``use_installed``.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from types import ModuleType
from zipimport import zipimporter

from .python_version import require_python

require_python()

from .._engine.agent import sources  # noqa: E402
from .._engine.model.engine.places import DEFAULT_ROOT  # noqa: E402

_ENGINE = sources.__name__.rpartition("agent.")[0]
#: What was found, for ``is_outdated``.
_found: dict[str, bool] = {}
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def use_installed() -> None:
    """Find the engine's modules in the agent of the task's root from now on, each that is the same there as here.

    Nothing happens where there is no agent, where anybody else could have written to it, or outside of a module's zip.
    """
    if not isinstance(globals().get("__loader__"), zipimporter):
        return
    home = f"{_root()}/agent/current"
    if _is_ours(home):
        same, different = _compared(os.path.realpath(home))
        _found["outdated"] = bool(different)
        if same:
            sys.meta_path.insert(0, _Installed(os.path.realpath(home), same))


def is_outdated() -> bool:
    """Tell whether there is an agent that is not of the same engine as this task."""
    return _found.get("outdated", False)


class _Installed(MetaPathFinder):
    """Finds modules of the engine that are the same in the agent."""

    def __init__(self, home: str, same: frozenset[str]) -> None:
        self._home = home
        self._same = same

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where the module is; None leaves it to the zip, also when a newer agent takes the place of this one."""
        name = fullname[len(_ENGINE) :] if fullname.startswith(_ENGINE) else ""
        path = f"{self._home}/_engine/{sources.file_of(name)}"
        return (
            spec_from_file_location(fullname, path) if name in self._same and os.path.exists(path) else None
        )


def _root() -> str:
    # The task's own words are read here already, as Ansible allows it to very dynamic modules.
    from ansible.module_utils.basic import _load_params

    root = (_load_params() or {}).get("root") or DEFAULT_ROOT
    return os.path.expanduser(os.path.expandvars(str(root)))


def _is_ours(home: str) -> bool:
    """Tell whether nobody else can have put there what we would run."""
    try:
        real = os.path.realpath(home)
        seen = [
            os.stat(path) for path in (real, os.path.dirname(real), os.path.dirname(os.path.dirname(real)))
        ]
    except OSError:
        return False
    return all(info.st_uid == os.geteuid() and not info.st_mode & _OTHERS_WRITE for info in seen)


def _compared(home: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of the modules that are the same in the agent, and of those that are not."""
    try:
        with open(f"{home}/{sources.LIST}", encoding="ascii") as file:
            there = sources.decode(file.read())
    except (OSError, ValueError):
        return frozenset(), frozenset()
    here = sources.sums(there)
    same = frozenset(name for name, known in here.items() if there[name] == known)
    return same, frozenset(here) - same
