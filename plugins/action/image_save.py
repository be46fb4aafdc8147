# SPDX-License-Identifier: GPL-3.0-or-later
"""Save images of the host to an archive, on the host or on the controller."""

from __future__ import annotations

import os
import stat
import tempfile
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.slipway.oci.plugins.module_utils._engine.images.save.image import (
    ARCHIVES,
    DOCKER_ARCHIVE,
)
from ansible_collections.slipway.oci.plugins.module_utils._engine.images.save.same import Found, look, told
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.container.option import LIVE
from ansible_collections.slipway.oci.plugins.plugin_utils.file_actions import FileAction

#: Options for a file of the host that the controller's file does not take.
_NOT_HERE = ("owner", "group", "attributes", "selevel", "serole", "setype", "seuser")


class ActionModule(FileAction):
    """Module ``image_save``."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module; with ``dest_on: controller`` fetch what it saves, unless the controller has the same."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        self.refuse_parcel()
        if self._task.args.get("dest_on", "host") != "controller" or self._task.async_val:
            return {**result, **self.run_module(task_vars)}
        return {**result, **self._to_controller(task_vars)}

    def _to_controller(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        dest, mode = self._dest(), self._mode()
        result = self.run_module(task_vars, parcel={"describe": True}, mode=None)
        if result.get("failed"):
            return result
        wanted, action = result.pop("saved"), result.pop("action")
        found = look(dest, wanted)
        if found.is_same or (found.is_there and not self.flag("force", default=True)):
            return {**result, "dest": dest, "changed": self._set_mode(dest, mode)}
        if not self._task.check_mode:
            self._fetch(dest, mode, task_vars)
        return {**result, **_news(dest, found, told(wanted), f"{action} on the controller")}

    def _fetch(self, dest: str, mode: int | None, task_vars: dict[str, Any]) -> None:
        """Save to a temporary file of the host, and put it in its place here when it has come whole."""
        path = self.place_for_parcel()
        saved = self.run_module(task_vars, dest=path, path=None, dest_on=None, mode="0644", force=None)
        if saved.get("failed"):
            raise AnsibleActionFail(str(saved.get("msg")), result=saved)
        fd, fresh = tempfile.mkstemp(prefix=".slipway-", dir=os.path.dirname(dest))  # 0600
        os.close(fd)
        try:
            self._connection.fetch_file(path, fresh)
            kept = stat.S_IMODE(os.stat(dest).st_mode) if os.path.exists(dest) else 0o600
            os.chmod(fresh, kept if mode is None else mode)
            os.replace(fresh, dest)
        except BaseException:  # also at an interrupt
            os.unlink(fresh)
            raise

    def _set_mode(self, dest: str, mode: int | None) -> bool:
        """Give the file its mode, and return whether that is a change."""
        if mode is None or stat.S_IMODE(os.stat(dest).st_mode) == mode:
            return False
        if not self._task.check_mode:
            os.chmod(dest, mode)
        return True

    def _dest(self) -> str:
        """Return the file of the controller; raises AnsibleActionFail where there can be none."""
        form = self._task.args.get("format", DOCKER_ARCHIVE)
        if form not in ARCHIVES:
            raise AnsibleActionFail(f"dest_on: format {form} is a directory; choose {' or '.join(ARCHIVES)}")
        for option in _NOT_HERE:
            if self._task.args.get(option) is not None:
                raise AnsibleActionFail(
                    f"{option}: not for a file of the controller; leave it out, or set mode"
                )
        written = self._task.args.get("dest") or self._task.args.get("path")
        if not written:
            raise AnsibleActionFail("dest is required")
        dest: str = os.path.realpath(self._loader.path_dwim(str(written)))
        if os.path.lexists(dest) and not os.path.isfile(dest):
            raise AnsibleActionFail(
                f"dest: {dest} on the controller is no regular file; name the file to write"
            )
        if not os.path.isdir(os.path.dirname(dest)):
            raise AnsibleActionFail(
                f"dest: the controller has no directory {os.path.dirname(dest)}; make it first"
            )
        return dest

    def _mode(self) -> int | None:
        mode = self._task.args.get("mode")
        if mode is None:
            return None
        try:
            return int(str(mode), 8) if isinstance(mode, str) else int(mode)
        except ValueError:
            raise AnsibleActionFail(f"mode: {mode!r} is not octal; write it as in '0644'") from None


def _news(dest: str, found: Found, after: str, action: str) -> dict[str, Any]:
    """Return the result of a change, as the module has it for a file of the host."""
    differs = found.is_there and found.holds != after
    change = {"option": "image", "before": found.holds, "after": after, "change": LIVE}
    return {
        "changed": True,
        "dest": dest,
        "actions": [action],
        "diff": {
            "before": {"image": found.holds} if differs else {},
            "after": {"image": after} if differs else {},
            "before_header": dest,
            "after_header": dest,
        },
        "plan": {"cost": LIVE if differs else "", "changes": [change] if differs else []},
    }
