# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognise a task that would find nothing to do, as at its last run. Imported before the rest of the engine.

Only an installed engine does so, because its directory is named by the digest of all of its files.
"""

from __future__ import annotations

import hashlib
import json
import os
import time

from .._engine.lifecycle.recognition.look import contents
from .._engine.lifecycle.recognition.memory import Task, recall
from .._engine.model.engine.layout import Layout
from . import ansible_module
from .container_arguments import ARGUMENTS
from .private import without_values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Optional

    #: A module that has read its options, and the key to recognise its task by.
    Begun = tuple[ansible_module.Module, Optional[Task]]

#: The same as in _engine/archive.py.
_PACKAGE = "slipway_oci"


def begin() -> Begun:
    """Read the options of a ``container`` task, and exit with its recorded result if it is recognised."""
    module = ansible_module.Module(ARGUMENTS, supports_check_mode=True)
    task = _task(module.params)
    if task is not None:
        _answer(module, task)
    return module, task


def _task(params: Mapping[str, Any]) -> Task | None:
    """Return the key to recognise the task by, None if it cannot be recognised."""
    package, _dot, _rest = __name__.partition(".")
    home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if package != _PACKAGE or os.path.dirname(home) != os.path.abspath(f"{params['root']}/agent"):
        return None
    return named(os.path.basename(home), params)


def named(engine: str, params: Mapping[str, Any]) -> Task | None:
    """Return the key of a task; ``engine``: the name of the engine, which identifies its code."""
    files = contents(params.get("env_file") or ())
    if files is None:
        return None
    # Keys are not sorted, because the order of a mapping's keys may show in the result.
    text = json.dumps([engine, params, files])
    key = hashlib.sha256(text.encode("ascii")).hexdigest()
    return Task(Layout(params["root"], params["run_root"]), params["name"], key, files)


def _answer(module: ansible_module.Module, task: Task) -> None:
    """Exit with the recorded result of the same task, if there is one and it is still valid."""
    began = time.perf_counter()
    result = recall(task, predicting=module.check_mode)
    if result is not None:
        shown = result if module._diff else without_values(result)  # noqa: SLF001  (Ansible has no public accessor)
        module.exit_json(**shown, timings={"recognise": round(time.perf_counter() - began, 4)})
