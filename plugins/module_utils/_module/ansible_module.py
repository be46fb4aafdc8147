# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a task's options with AnsibleModule. Imported in each task before the rest of the engine."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

#: The option by which the action plugin tells _entry/task.py where the engine is.
_ENGINE = "_slipway_engine"


class Module(AnsibleModule):  # type: ignore[misc]  # Ansible has no types
    """An AnsibleModule that records the aliases in use, and accepts an empty list as an empty mapping."""

    def _load_params(self) -> None:
        super()._load_params()
        #: Under which name the controller looks for the task's progress; None: nobody looks.
        self.progress = (self.params.pop(_ENGINE, None) or {}).get("progress")
        words = {
            word: (name, argument)
            for name, argument in self.argument_spec.items()
            for word in (name, *argument.get("aliases", ()))
        }
        #: The name or alias by which the task has set each option.
        self.written = {words[word][0]: word for word in self.params if word in words}
        for word in self.params:
            if word in words and words[word][1].get("type") == "dict" and self.params[word] == []:
                self.params[word] = {}
