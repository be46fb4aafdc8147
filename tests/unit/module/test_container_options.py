# SPDX-License-Identifier: GPL-3.0-or-later
"""The argument spec of module container follows from the engine's table of options."""

from __future__ import annotations

import pytest
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.container.options import OPTIONS
from ansible_collections.slipway.oci.plugins.module_utils._module.not_built import NOT_BUILT
from ansible_collections.slipway.oci.plugins.module_utils._module.options import ENGINE_OPTIONS
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.container_options import (
    ARGUMENTS,
    TASK_OPTIONS,
    argument_spec,
)
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.image.pull_options import PULL_OPTIONS


def test_an_argument_is_of_one_row():
    """Each argument of the table sets the value of exactly one option."""
    table = [name for option in OPTIONS for name in option.arguments]
    assert sorted(table) == sorted(ARGUMENTS)


#: What the rows say, and how: by their kind, by themselves, by each of their arguments.
ARGUMENT_OF = {
    "name": {"type": "str", "required": True},
    "command": {"type": "raw"},
    "env_file": {"type": "list", "elements": "path", "aliases": ["env_files"]},
    "hooks_dir": {"type": "list", "elements": "str"},
    "volume": {"type": "list", "elements": "str", "aliases": ["volumes"]},
    "tmpfs": {"type": "dict"},
    "subuidname": {"type": "str"},
    "no_healthcheck": {"type": "bool"},
    "cgroup_parent": {"type": "path"},
    "image_volume": {"type": "str", "choices": ["anonymous", "bind", "tmpfs", "ignore"]},
    "rm": {"type": "bool", "aliases": ["remove", "auto_remove"]},
    "log_opt": {
        "type": "dict",
        "aliases": ["log_options"],
        "options": {
            "max_size": {"type": "str"},
            "max_file": {"type": "int"},
            "path": {"type": "str"},
            "tag": {"type": "str"},
        },
    },
}


@pytest.mark.parametrize("name", ARGUMENT_OF)
def test_what_ansible_is_told_of_an_option(name):
    """An argument has the type of its row's kind, and what the row says besides."""
    assert ARGUMENTS[name] == ARGUMENT_OF[name]


def test_no_option_of_the_table_has_a_default_in_ansible():
    """Options that a task omits stay unset, because an unset option is not the same as its default."""
    assert [name for name, argument in ARGUMENTS.items() if "default" in argument] == []


def test_no_argument_has_two_meanings():
    """Each name or alias occurs only once."""
    words = [
        word
        for table in (ARGUMENTS, TASK_OPTIONS, PULL_OPTIONS, NOT_BUILT, ENGINE_OPTIONS)
        for name, argument in table.items()
        for word in (name, *argument.get("aliases", ()))
    ]
    assert sorted(words) == sorted(set(words))


def test_the_spec_holds_built_and_refused_options():
    """All arguments of a task are in the spec, including refused ones."""
    assert set(argument_spec()) == {*ARGUMENTS, *TASK_OPTIONS, *PULL_OPTIONS, *NOT_BUILT}
