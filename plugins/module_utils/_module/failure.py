# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert an error into the result of a failed task; pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from .._engine.errors import EngineError, Setting, typed


def failure(
    error: EngineError | OSError, *, no_log: bool, aliases: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """Return the arguments of fail_json: ``msg``, the stable code ``error``, and the error's fields.

    ``no_log``: the task's input is secret, and may appear in a container's last lines or in an invalid
    option. Ansible then hides the result except ``msg``, which it shows since ansible-core 2.19. ``aliases``:
    the aliases by which the task has set options, so that messages use the same names.
    """
    told = typed(error)
    message = f"{told.code}; no_log hides the details" if no_log else told.told(partial(_as_written, aliases))
    return {**told.fields, "msg": message, "error": told.code}


def _as_written(aliases: Mapping[str, str], setting: Setting) -> str:
    name, dot, key = setting.name.partition(".")
    return str(Setting(f"{aliases.get(name, name)}{dot}{key}", setting.value))
