# SPDX-License-Identifier: GPL-3.0-or-later
"""Save images of the host to an archive, on the host or on the controller."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.slipway.oci.plugins.plugin_utils import saved_images
from ansible_collections.slipway.oci.plugins.plugin_utils.file_actions import FileAction


class ActionModule(FileAction):
    """Module ``image_save``."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module; with ``dest_on: controller`` fetch the archive, unless the controller has the same."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        self.refuse_parcel()
        if self._task.args.get("dest_on", "host") != "controller" or self._task.async_val:
            return {**result, **self.run_module(task_vars)}
        return {**result, **self._to_controller(task_vars)}

    def _to_controller(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        saved_images.check_options(self._task.args)
        dest, mode = self._dest(), saved_images.mode_of(self._task.args.get("mode"))
        result = self.run_module(task_vars, parcel={"describe": True}, mode=None)
        if result.get("failed"):
            return result
        wanted, action = result.pop("saved"), result.pop("action")
        found = saved_images.compare(dest, wanted)
        if found.is_same or (found.is_there and not self.flag("force", default=True)):
            changed = saved_images.set_mode(dest, mode, predicting=self._task.check_mode)
            return {**result, "dest": dest, "changed": changed}
        if not self._task.check_mode:
            saved_images.replace_file(dest, mode, lambda path: self._fetch(path, task_vars))
        return {**result, **saved_images.news(dest, found, f"{action} on the controller")}

    def _fetch(self, path: str, task_vars: dict[str, Any]) -> None:
        """Save to a temporary file of the host, and fetch that."""
        there = self.place_for_parcel()
        saved = self.run_module(task_vars, dest=there, path=None, dest_on=None, mode="0644", force=None)
        if saved.get("failed"):
            raise AnsibleActionFail(str(saved.get("msg")), result=saved)
        self._connection.fetch_file(there, path)

    def _dest(self) -> str:
        written = self._task.args.get("dest") or self._task.args.get("path")
        if not written:
            raise AnsibleActionFail("dest is required")
        return saved_images.check_dest(self._loader.path_dwim(str(written)))
