# SPDX-License-Identifier: GPL-3.0-or-later
"""Follow what a module does on its host, and print how far it is.

The module writes its progress to a file below the engine's run root, which is read by commands beside the module's.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.engine.layout import Layout
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.engine.places import DEFAULT_RUN_ROOT
from ansible_collections.slipway.oci.plugins.module_utils._engine.progress import State

from .host_connection import HostConnection
from .progress import BETWEEN, Progress

#: Connections that start a program for each command, so that a second one disturbs nothing.
_CONNECTIONS = ("local", "ssh")


def can_follow(connection: Any) -> bool:
    """Return whether commands can be run on the host while a module runs."""
    return str(connection._load_name).rpartition(".")[2] in _CONNECTIONS  # noqa: SLF001  (Ansible has no other way)


def follow(
    connection: Any, arguments: Mapping[str, Any], token: str, progress: Progress, ended: threading.Event
) -> None:
    """Print the progress that the module of these arguments writes under ``token``, until the event is set."""
    path = Layout(run_root=str(arguments.get("run_root") or DEFAULT_RUN_ROOT)).progress(token)
    host = _beside(connection)
    while True:
        with suppress(
            AnsibleError, ValueError, TypeError
        ):  # the task itself says if its host can't be reached
            answer = host.run(["cat", "--", path], b"\n")
            if answer.rc == 0 and not ended.is_set():
                progress.show(State(**json.loads(answer.stdout)))
        if ended.wait(BETWEEN):
            return


def _beside(connection: Any) -> HostConnection:
    """Return the task's connection once more: its options, and become with marks of its own."""
    own = copy.copy(connection)
    if connection.become is not None:
        own.set_become_plugin(copy.copy(connection.become))
    return HostConnection("", own, "")
