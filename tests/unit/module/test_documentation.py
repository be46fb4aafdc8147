# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation says what the code does: options, what a change of each needs, examples, returned keys."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.container.options import OPTIONS
from ansible_collections.slipway.oci.plugins.module_utils._module.not_built import NOT_BUILT
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.container_options import argument_spec

from sourcetree import PLUGINS

NAMES = sorted(file.stem for file in PLUGINS.glob("modules/*.py"))
CHANGES = {
    "live": "Can be changed while the container runs.",
    "recreate": "Changing this recreates the container.",
}
CHANGE = re.compile("|".join(map(re.escape, CHANGES.values())))


def words(options):
    """Return option -> (type, elements, choices, aliases, default), of a documentation or an argument spec alike."""
    return {
        name: (
            option.get("type", "str"),
            option.get("elements"),
            sorted(option.get("choices", ())),
            sorted(option.get("aliases", ())),
            option.get("default"),
        )
        for name, option in options.items()
    }


def described(option):
    """Return all sentences of an option's description."""
    text = option["description"]
    return text if isinstance(text, str) else " ".join(text)


def test_the_documentation_of_container_has_the_options_of_the_code(options_of):
    """Names, types, choices, aliases and defaults are the same in documentation and argument spec."""
    own = {name: option for name, option in options_of("container").items() if name in argument_spec()}
    assert words(own) == words(argument_spec())


@pytest.mark.parametrize(
    "option", [option for option in OPTIONS if option.name != "name"], ids=lambda row: row.name
)
def test_each_option_tells_what_its_change_needs(options_of, option):
    """The documentation of each option says once how a change is applied, as the table has it."""
    for name in option.arguments:
        assert CHANGE.findall(described(options_of("container")[name])) == [CHANGES[option.change]], name


def test_only_options_of_the_container_tell_what_a_change_needs(options_of):
    """No option of the task itself says how a change of the container is applied."""
    table = {name for option in OPTIONS for name in option.arguments}
    telling = {name for name, option in options_of("container").items() if CHANGE.search(described(option))}
    assert telling == table - {"name"}


@pytest.mark.parametrize(
    "row", [row for row in OPTIONS if row.default not in (None, ())], ids=lambda row: row.name
)
def test_the_documentation_tells_what_unset_means(options_of, row):
    """The default in an option's documentation is the default of its row."""
    (text,) = re.findall(r"Defaults to V\(([^)]*)\)", described(options_of("container")[row.name]))
    value = {"true": True, "false": False}.get(text, text) if row.kind.argument["type"] == "bool" else text
    assert row.kind.parse(row.name, value) == row.default


@pytest.mark.parametrize("row", [row for row in OPTIONS if row.cgroup], ids=lambda row: row.name)
def test_the_documentation_tells_which_cgroups_are_needed(options_of, row):
    """An option of one version of cgroups alone says so, and only such a one."""
    told = " ".join(options_of("container")[row.name]["description"])
    for version in ("v1", "v2"):
        assert (f"Only with cgroups {version}" in told) is (row.cgroup == version)


def test_what_is_not_built_is_said_to_be_so(options_of):
    """Exactly the refused options are documented as not implemented, each in one line."""
    options = options_of("container")
    told = {name for name, option in options.items() if described(option).startswith("Not implemented. ")}
    assert told == set(NOT_BUILT)


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_whole_tasks(options_of, text_of, name):
    """Each example has a name, runs the module it stands in, and writes only options that the module has."""
    tasks = text_of(name, "EXAMPLES")
    options = options_of(name)
    known = {word for option, told in options.items() for word in (option, *told.get("aliases", ()))}
    assert tasks
    for task in tasks:
        assert set(task) - {"register", "changed_when", "failed_when"} == {"name", f"slipway.oci.{name}"}
        assert set(task[f"slipway.oci.{name}"] or {}) <= known


@pytest.mark.parametrize("name", NAMES)
def test_what_is_returned_is_documented_with_its_type(text_of, name):
    """Each returned key has a description, a type, a sample or its parts, and when it is returned."""
    keys = text_of(name, "RETURN")
    assert {"timings", "error"} <= set(keys)
    for told in keys.values():
        assert {"description", "type", "returned", "sample"} <= set(told)


def test_every_module_shares_the_defaults_of_the_group():
    """The action group has all modules, so that its module_defaults reach them."""
    runtime = yaml.safe_load((PLUGINS.parent / "meta/runtime.yml").read_text())
    assert sorted(runtime["action_groups"]["engine"]) == NAMES
