# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a task's options as Ansible does. Imported at each task before anything of the engine."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

#: Where the engine is, which the action plugin tells _entry/task.py.
_ENGINE = "_slipway_engine"


class Module(AnsibleModule):  # type: ignore[misc]  # Ansible has no types
    """A module that knows by which words the task has written its options, and takes an empty list for an empty mapping."""

    def _load_params(self) -> None:
        super()._load_params()
        #: Under which name the controller looks for the task's progress; None: nobody looks.
        self.progress = (self.params.pop(_ENGINE, None) or {}).get("progress")
        words = {
            word: (name, argument)
            for name, argument in self.argument_spec.items()
            for word in (name, *argument.get("aliases", ()))
        }
        #: The alias of each option that is written by one.
        self.written = {words[word][0]: word for word in self.params if word in words}
        for word in self.params:
            if word in words and words[word][1].get("type") == "dict" and self.params[word] == []:
                self.params[word] = {}
