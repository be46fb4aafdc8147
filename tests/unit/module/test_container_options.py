# SPDX-License-Identifier: GPL-3.0-or-later
"""The argument spec of module container follows from the engine's table of options."""

from __future__ import annotations

from ansible_collections.slipway.oci.plugins.module_utils._engine.model.container.spec import OPTIONS
from ansible_collections.slipway.oci.plugins.module_utils._module.not_built import NOT_BUILT
from ansible_collections.slipway.oci.plugins.module_utils._module.options import ENGINE_OPTIONS
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.container_options import (
    ARGUMENTS,
    TASK_OPTIONS,
    argument_spec,
)


def test_every_option_of_the_table_is_an_argument_and_no_other_is():
    """Ansible is told of exactly the arguments that the table's options are made from."""
    table = [name for option in OPTIONS for name in option.arguments]
    assert sorted(table) == sorted(ARGUMENTS)


def test_no_option_of_the_table_has_a_default_in_ansible():
    """What a task leaves out stays unset, since unset and set to the default are two things."""
    assert [name for name, argument in ARGUMENTS.items() if "default" in argument] == []


def test_no_argument_has_two_meanings():
    """A name or alias stands in one place only."""
    words = [
        word
        for table in (ARGUMENTS, TASK_OPTIONS, NOT_BUILT, ENGINE_OPTIONS)
        for name, argument in table.items()
        for word in (name, *argument.get("aliases", ()))
    ]
    assert sorted(words) == sorted(set(words))


def test_the_spec_holds_built_and_refused_options():
    """All arguments that a task may write are in the spec, those that are refused too."""
    assert set(argument_spec()) == {*ARGUMENTS, *TASK_OPTIONS, *NOT_BUILT}
