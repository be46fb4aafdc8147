# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn an error into what a failed task returns; pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from .._engine.errors import EngineError, Setting, typed


def failure(
    error: EngineError | OSError, *, no_log: bool, aliases: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """Return the arguments of fail_json: ``msg`` in words, ``error`` as a stable code, the error's fields.

    ``no_log``: the task says that what it is given is nobody's business, and a container's last lines, or an option that
    is wrong, may hold it. Ansible hides all of the result then but ``msg``, which it shows since ansible-core 2.19.
    ``aliases``: the words that the task has for options, so that nobody looks for one that he did not write.
    """
    told = typed(error)
    message = (
        f"{told.code}; no_log hides what else there is to say"
        if no_log
        else told.told(partial(_as_written, aliases))
    )
    return {**told.fields, "msg": message, "error": told.code}


def _as_written(aliases: Mapping[str, str], setting: Setting) -> str:
    name, dot, key = setting.name.partition(".")
    return str(Setting(f"{aliases.get(name, name)}{dot}{key}", setting.value))
