# SPDX-License-Identifier: GPL-3.0-or-later
"""The option table is correct: where an option takes effect, and whether a running container gets it."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from _engine.model.container.option import CONFIG, LIVE, TASK, V1, V2
from _engine.model.container.options import OPTIONS
from _engine.model.container.spec import ContainerSpec
from _engine.model.values.capabilities import CAPABILITIES
from _engine.runtime.config import build, limits
from _engine.runtime.config.users import ResolvedUser
from optioncases import ALONE, ROWS
from sourcetree import PLUGINS

CASES = (*ALONE, *ROWS)
BASE = {"name": "app", "image": "localhost/app:1", "network": ["none"], "command": ["/bin/true"]}
HOST = build.HostFacts(
    rlimits={}, capabilities=frozenset(CAPABILITIES), cgroup_version="v2", init_path="/bin/tini"
)
#: What a host has where no limit is: each other than the limits of the cases.
GROUND = limits.Ground(cpus="0-3", mems="0-3", version="v2", takes_none=True)
#: What runs once in a container's life, so that nothing of it reaches one that runs.
ONCE = (
    "lifecycle.container.create",
    "lifecycle.container.start",
    "lifecycle.container.bundle",
    "runtime.host",
)


def specs(row):
    """Yield the specs of an option's cases: without it, with it, and with a different value."""
    for one in (one for one in CASES if one.option in row.arguments):
        for value in (one.first, one.altered):
            yield tuple(ContainerSpec.parse({**BASE, **more}) for more in (one.without, one.task(value)))


def config(spec):
    """Return config.json of a container with this spec."""
    return build.build(
        build.BundleRequest(
            id="ab" * 32,
            spec=spec,
            image=None,
            rootfs="/merged",
            user=ResolvedUser(0, 0, (), "/root", "root"),
            hostname="host1",
            cgroup_path="/slipway/ab",
            host=HOST,
            shm="/run/x/shm",
            volume_paths={path: f"/volumes{path}" for path in spec.mounts or {}},
        )
    )


def update(before, after):
    """Return the input of the runtime's update."""
    found = (limits.limits(spec, counts_swap=True) for spec in (before, after))
    return limits.change(*found, GROUND)


@cache
def words(path):
    """Return the attributes and the strings in a file."""
    nodes = [*ast.walk(ast.parse((PLUGINS / "module_utils" / path).read_text()))]
    read = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return read, {node.value for node in nodes if isinstance(node, ast.Constant)}


def reads(row):
    """Return whether the place that the row names exists, and reads the option."""
    if row.applied == TASK:
        return row.name in words("_module/tasks/container_request.py")[1]
    path = f"_engine/{row.applied.replace('.', '/')}.py"
    return (PLUGINS / "module_utils" / path).exists() and row.name in words(path)[0]


def faults(row):
    """Return the faults of a row, each in a few words."""
    cases = [case for case in specs(row) if case[0] != case[1]]
    if row.applied == CONFIG and not any(config(before) != config(after) for before, after in cases):
        yield "changes nothing in config.json, and names no module that reads it"
    if row.applied != CONFIG and not reads(row):
        yield f"is not read where it is applied ({row.applied})"
    if row.change != LIVE:
        return
    if row.applied in ONCE or (row.applied == CONFIG and not row.cgroup):
        yield "is live, and nothing of it reaches what runs"
    if row.applied == CONFIG and not all(update(*case) and update(*case[::-1]) for case in cases):
        yield "is a live limit, and not changed by the runtime's update"


@pytest.mark.parametrize("row", OPTIONS, ids=lambda row: row.name)
def test_a_row_takes_effect(row):
    """An option changes config.json or is read where its row says, and a live one reaches what runs."""
    assert list(faults(row)) == []


def planted(name, **changes):
    """Return a row of the table with changes."""
    return next(row for row in OPTIONS if row.name == name)._replace(**changes)


PLANTED = {
    "applied nowhere": (planted("label", applied=CONFIG, change="recreate"), "changes nothing"),
    "applied elsewhere": (planted("hostname", applied="plan.restart"), "is not read"),
    "applied in no module": (planted("hostname", applied="plan.nowhere"), "is not read"),
    "not read by the task": (planted("hostname", applied=TASK), "is not read"),
    "live in config.json": (planted("umask", change=LIVE), "is live, and"),
    "live at the start": (planted("interactive", change=LIVE), "is live, and"),
    "live, and no limit that is updated": (planted("cgroup_conf", change=LIVE), "is a live limit"),
}


@pytest.mark.parametrize("case", PLANTED)
def test_a_row_that_takes_no_effect_is_found(case):
    """A row without effect, or a live one that does not reach a running container, is a fault."""
    row, fault = PLANTED[case]
    assert any(told.startswith(fault) for told in faults(row))


@pytest.mark.parametrize("row", [row for row in OPTIONS if row.cgroup], ids=lambda row: row.name)
def test_what_needs_a_cgroup_is_refused_without(refused, row):
    """With cgroups: disabled each option that takes effect in the cgroup is named."""
    for one in (one for one in CASES if one.option in row.arguments):
        options = {**BASE, **one.task(one.first), "cgroups": "disabled"}
        refused(lambda _option, _value, options=options: ContainerSpec.parse(options), "cgroups", "disabled")


@pytest.mark.parametrize("row", [row for row in OPTIONS if row.cgroup], ids=lambda row: row.name)
def test_what_a_host_with_other_cgroups_can_not_do(row):
    """An option of one version of cgroups alone does not fit a host with the other; a hybrid host has the limits of v1."""
    found = [row.fits(version) for version in (V1, "hybrid", V2)]
    assert found == [row.cgroup != V2, row.cgroup != V2, row.cgroup != V1]
