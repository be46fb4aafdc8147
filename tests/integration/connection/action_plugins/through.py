# SPDX-License-Identifier: GPL-3.0-or-later
"""Call a connection as Ansible's own actions do, with no module between: what needs no Python in the container."""

from __future__ import annotations

import os
import time
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Put or fetch a file, or run a command with an input, ``times`` over. Names are text or, with ``hex``, bytes in hex."""

    _VALID_ARGS = frozenset(("put", "fetch", "to", "hex", "exec", "stdin", "times"))

    def run(self, tmp=None, task_vars=None):
        """Return what came back, all of it in hex, and what this process had open before and after."""
        result = super().run(tmp, task_vars)
        asked = self._task.args
        self._connection._connect()
        before, begin = _open_files(), time.monotonic()
        for _time in range(asked.get("times", 1)):
            result.update(self._one(asked))
            if result.get("rc"):
                break
        seconds = time.monotonic() - begin
        result.update(changed=True, failed=bool(result.get("rc")), seconds=seconds)
        return {**result, "opened": len(_open_files()) - len(before)}

    def _one(self, asked: dict[str, Any]) -> dict[str, Any]:
        if "exec" in asked:
            data = bytes.fromhex(asked["stdin"]) if "stdin" in asked else None
            rc, out, err = self._connection.exec_command(asked["exec"], in_data=data, sudoable=False)
            return {"rc": rc, "stdout": bytes(out).hex(), "stderr": bytes(err).hex()}
        transfer = self._connection.put_file if "put" in asked else self._connection.fetch_file
        transfer(*(_name(asked, key) for key in ("put" if "put" in asked else "fetch", "to")))
        return {}


def _name(asked: dict[str, Any], key: str) -> str:
    """Return a name as Ansible holds names: bytes that are no UTF-8 as surrogates."""
    return os.fsdecode(bytes.fromhex(asked[key])) if key in asked.get("hex", []) else asked[key]


def _open_files() -> list[str]:
    return os.listdir("/proc/self/fd")
