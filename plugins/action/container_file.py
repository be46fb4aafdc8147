# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a file in a container from literal content, or from a file or template on the controller."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.slipway.oci.plugins.plugin_utils.file_actions import FileAction, Parcel

#: Name of the file in the parcel; the module renames it to the path in the task.
_FILE = "file"


class ActionModule(FileAction):
    """Action of ``container_file``."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send the content to the host, if there is any, and run the module."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        self.refuse_parcel()
        given = [name for name in ("content", "src", "template") if self._task.args.get(name) is not None]
        if self._task.args.get("state", "present") != "present" or len(given) != 1:
            return {**result, **self.run_module(task_vars)}
        if given == ["src"] and self.flag("remote_src"):
            return {**result, **self.run_module(task_vars)}
        with self.parcel() as parcel:
            self._pack(parcel, given[0], task_vars)
            # Literal and rendered content is kept out of the module's options, because they are logged.
            sent = self.run_module(
                task_vars, parcel=self.send(parcel), src=_FILE, content=None, template=None
            )
        return {**result, **sent}

    def _pack(self, parcel: Parcel, kind: str, task_vars: dict[str, Any]) -> None:
        value = self._task.args[kind]
        if kind == "content":
            parcel.add_content(_FILE, self.content(value))
        elif kind == "template":
            parcel.add_content(_FILE, self.rendered(str(value), task_vars))
        else:
            source = self.find(str(value))
            if os.path.isdir(source):
                raise AnsibleActionFail(f"src: {value} is a directory. Use container_copy for directories")
            parcel.add_file(_FILE, source)
