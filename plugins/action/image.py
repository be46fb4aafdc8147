# SPDX-License-Identifier: GPL-3.0-or-later
"""Run module ``image``, sending it an archive on the controller or an image pulled by the controller."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.slipway.oci.plugins.plugin_utils.image_delivery import ImageAction


class ActionModule(ImageAction, NormalAction):
    """Action of ``image``."""

    def _execute_module(
        self, module_name: str | None = None, module_args: dict[str, Any] | None = None, **how: Any
    ) -> dict[str, Any]:
        """Run the module; read an archive on the controller here."""
        arguments = dict(self._task.args if module_args is None else module_args)
        if arguments.get("src") is None or arguments.get("state", "present") == "absent":
            return super()._execute_module(module_name, arguments, **how)
        if how.get("wrap_async"):
            raise AnsibleActionFail("src: an archive on the controller cannot be sent by a task with async")
        return self.load_archive(module_name, arguments, how)
