# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy files between the controller and a container."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.slipway.oci.plugins.plugin_utils.file_actions import FileAction
from ansible_collections.slipway.oci.plugins.plugin_utils.unpack_files import receive


class ActionModule(FileAction):
    """Action of ``container_copy``; it transfers files unless ``remote_src`` is true."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send the files to copy in, run the module, and fetch the files copied out."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        self.refuse_parcel()
        if self.flag("remote_src", default=True):
            return {**result, **self.run_module(task_vars)}
        if self.flag("from_container"):
            return {**result, **self._out(task_vars)}
        return {**result, **self._in(task_vars)}

    def _in(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        source = self.find(self._required("src"))
        with self.parcel() as parcel:
            contents, place = source.endswith("/"), source.rstrip("/")
            if os.path.isdir(place):
                parcel.add_tree(
                    "" if contents else os.path.basename(place),
                    place,
                    follow=self.flag("local_follow"),
                    excluded=self.excluded(),
                )
            elif contents:
                raise AnsibleActionFail(f"src: {source} is not a directory")
            else:
                parcel.add_file(os.path.basename(place), place)
            return self.run_module(task_vars, parcel=self.send(parcel))

    def _out(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        path = self.place_for_parcel()
        result = self.run_module(task_vars, parcel=path)
        if (
            result.get("failed") or "is_file" not in result
        ):  # in check mode, and the container does not exist yet
            return result
        dest = self._loader.path_dwim(self._required("dest"))
        directory, rename = dest, None
        if result.pop("is_file") and not dest.endswith("/") and not os.path.isdir(dest):
            directory, rename = os.path.split(dest)
        with self.fetched(path) as copy:
            changes = receive(copy, directory, rename=rename, check=self._task.check_mode)
        words = "copied {container}:{src} to {dest}".format(**{"container": "", **self._task.args})
        return {**result, "changed": bool(changes), "changes": changes, "actions": [words] if changes else []}

    def _required(self, option: str) -> str:
        value = self._task.args.get(option)
        if not value:
            raise AnsibleActionFail(f"{option} is required")
        return str(value)
