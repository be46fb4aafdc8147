# SPDX-License-Identifier: GPL-3.0-or-later
"""The key by which a task is recognised."""

from __future__ import annotations

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.slipway.oci.plugins.module_utils._module.container_arguments import ARGUMENTS
from ansible_collections.slipway.oci.plugins.module_utils._module.recognition import named

TASK = {
    "name": "box",
    "image": "localhost/app:1",
    "env": {"A": "1", "B": "2"},
    "volume": ["one:/one", "two:/two"],
}


def key(engine="one", **options):
    """Return the key of a task with these options."""
    checked = ArgumentSpecValidator(ARGUMENTS).validate({**TASK, **options})
    assert checked.error_messages == []
    return named(engine, checked.validated_parameters).key


#: Options that make another task of it; where options are in another order the whole way decides what that means.
OTHERS = [
    {"engine": "two"},
    {"root": "/srv/root"},
    {"run_root": "/srv/run"},
    {"runtime": "runc"},
    {"cgroup_manager": "systemd"},
    {"storage_driver": "vfs"},
    {"name": "Box"},
    {"state": "present"},
    {"image": "localhost/app:2"},
    {"image_strict": True},
    {"recreate": True},
    {"force_restart": True},
    {"restart": True},
    {"wait": True},
    {"wait_timeout": 5},
    {"start_dependencies": False},
    {"env": {"A": "1", "B": "3"}},
    {"env": {"a": "1", "B": "2"}},
    {"env": {"B": "2", "A": "1"}},
    {"env": {"A": "1"}},
    {"env": {}},
    {"volume": ["two:/two", "one:/one"]},
    {"volume": []},
    {"volume": None},
    {"label": {}},
    {"command": "sleep 1"},
    {"command": ["sleep", "1"]},
    {"command": ["sleep", 1]},
]


def test_other_tasks():
    """Each option, and the engine, changes the key."""
    keys = [key(), *(key(**options) for options in OTHERS)]
    assert (len({*keys}), key()) == (len(keys), keys[0])


def test_files_of_a_task(tmp_path):
    """The content of files named by options is part of the key; with a missing file, there is no key."""
    path = tmp_path / "a.env"
    options = (
        ArgumentSpecValidator(ARGUMENTS).validate({**TASK, "env_file": [str(path)]}).validated_parameters
    )
    assert named("one", options) is None
    keys = []
    for text in ("A=1\n", "A=2\n", "A=1\n"):
        path.write_text(text)
        keys.append(named("one", options).key)
    assert keys[0] == keys[2] != keys[1]
