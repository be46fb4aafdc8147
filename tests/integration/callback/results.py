# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a test what each task of a play returned, whole."""

from __future__ import annotations

import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: results
type: stdout
short_description: One line of JSON for each task
description:
  - Prints name, outcome and result of each task, with the diff, which the callbacks of ansible-core leave out.
"""


class CallbackModule(CallbackBase):
    """Print a line for each task that has ended."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "results"

    def v2_runner_on_ok(self, result):
        """Print a task that went well."""
        self._tell(result, "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):  # noqa: FBT002  (Ansible's own signature)
        """Print a task that failed."""
        self._tell(result, "failed")

    def v2_runner_on_unreachable(self, result):
        """Print a task whose host did not answer."""
        self._tell(result, "unreachable")

    def _tell(self, result, outcome):
        line = {"task": result._task.get_name(), "outcome": outcome, "result": result._result}
        line["host"] = result._host.get_name()
        self._display.display(json.dumps(line, default=str))
