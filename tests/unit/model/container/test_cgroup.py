# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of cgroups, for both managers."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.model.container import cgroup
from _engine.model.container.spec import ContainerSpec

ID = "1f0a" * 16


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("system.slice", "/system.slice"),
        ("web-shop.slice", "/web.slice/web-shop.slice"),
        ("a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice"),
    ],
)
def test_a_slice_lies_within_those_that_its_name_begins_with(name, path):
    """Dashes in a slice's name are levels (systemd.slice(5)), and the runtime gets a scope as three words."""
    assert cgroup.slice_path(name) == path
    scope = cgroup.scope_path(name, ID)
    assert scope == f"{path}/slipway-{ID}.scope"
    assert cgroup.is_scope(scope)
    assert cgroup.for_runtime(scope) == f"{name}:slipway:{ID}"


def test_a_path_is_told_to_the_runtime_as_it_is():
    """A cgroup that is not a scope is passed to the runtime as a path."""
    assert cgroup.for_runtime(f"/slipway/{ID}") == f"/slipway/{ID}"
    assert not cgroup.is_scope(f"/slipway/{ID}")
    assert not cgroup.is_scope("")


@pytest.mark.parametrize(
    ("value", "meaning"),
    [("/web", "/web"), ("/web//shop/", "/web/shop"), ("web", "/web"), ("web-shop.slice", "web-shop.slice")],
)
def test_parent(value, meaning):
    """A parent is a path from the root of the hierarchy, or a slice's name."""
    assert cgroup.parse_parent("cgroup_parent", value) == meaning


@pytest.mark.parametrize(
    "value", ["", "/", "//", "/../web", "web/../..", ".slice", "-a.slice", "a--b.slice", None, ["a"]]
)
def test_bad_parent(value):
    """Nothing leads to the root cgroup or out of the hierarchy."""
    with pytest.raises(InvalidOption):
        cgroup.parse_parent("cgroup_parent", value)


@pytest.mark.parametrize("value", ["split", "Enabled", "", True])
def test_bad_use(value):
    """Unknown values are refused, and the error lists the known ones."""
    with pytest.raises(InvalidOption, match="enabled, no-conmon or disabled"):
        cgroup.parse_use("cgroups", value)


@pytest.mark.parametrize(
    "limit", [{"memory": "1g"}, {"cpus": "1"}, {"pids_limit": "5"}, {"cgroup_parent": "/web"}]
)
def test_no_limits_without_a_cgroup(limit):
    """A limit that cannot take effect is refused."""
    base = {"name": "box", "image": "app", "network": ["none"], "cgroups": "disabled"}
    assert ContainerSpec.parse(base).cgroups == "disabled"
    with pytest.raises(InvalidOption, match=next(iter(limit))):
        ContainerSpec.parse({**base, **limit})


def test_each_start_has_its_own_scope_for_the_monitor():
    """Names are valid for systemd, and differ for each start."""
    assert cgroup.monitor_scope(ID, 5) == f"slipway-conmon-{ID[:12]}-5.scope"
