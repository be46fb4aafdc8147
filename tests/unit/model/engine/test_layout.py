# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths of an engine."""

from __future__ import annotations

import re

from _engine.model.engine.layout import Layout

ID = "1f0a" * 16


def paths(thing) -> dict[str, str]:
    """Return all paths of a layout's properties, by name, without lists of paths."""
    names = [name for name, item in vars(type(thing)).items() if isinstance(item, property)]
    found = {name: getattr(thing, name) for name in names}
    return {name: path for name, path in found.items() if isinstance(path, str)}


def test_what_survives_a_reboot_lies_below_root():
    """State is below root; locks, exit files and the runtime's own state are below run_root."""
    found = paths(Layout("/ROOT", "/RUN"))
    del found["cgroup_parent"], found["monitors_cgroup"]
    volatile = {name for name, path in found.items() if path.startswith("/RUN/")}
    health = {"health_socket", "health_lock"}
    assert volatile == {
        "aardvark",
        "all_progress",
        "boot_marker",
        "locks",
        "root_note",
        "exits",
        "runtime_root",
        "run_containers",
        "cgroup_marks",
        "trials",
        *health,
    }
    assert all(path.startswith("/ROOT/") for name, path in found.items() if name not in volatile)


def test_no_two_things_share_a_path():
    """All paths of an engine and of a container are different."""
    layout = Layout("/ROOT", "/RUN")
    container = layout.container(ID)
    all_paths = [*paths(layout).values(), *paths(container).values(), container.exit_file]
    assert len(set(all_paths)) == len(all_paths)


def test_a_containers_paths():
    """A container's files are in its directory below root or run_root, named by its ID."""
    container = Layout("/ROOT", "/RUN").container(ID)
    assert (container.id, container.exit_file) == (ID, f"/RUN/exits/{ID}")
    assert (container.static, container.run) == (f"/ROOT/containers/{ID}", f"/RUN/containers/{ID}")
    assert container.elsewhere("/TMP").upper == "/TMP/upper"
    assert all(
        path.startswith((f"{container.static}/", f"{container.run}/")) for path in paths(container).values()
    )
    assert container.oom_file == f"/RUN/containers/{ID}/persist/oom"


def test_paths_by_name():
    """Volumes, layers and locks are found by their names."""
    layout = Layout("/ROOT", "/RUN")
    assert layout.volume("data") == "/ROOT/volumes/data"
    assert layout.volume_data("data") == "/ROOT/volumes/data/data"
    assert layout.layer_diff("ab") == "/ROOT/layers/ab/diff"
    assert layout.lock("volume", "data") == "/RUN/locks/volume-data.lock"


def test_each_root_has_its_own_cgroup():
    """The default engine has a plain cgroup, any other engine one that derives from its root."""
    assert Layout().cgroup(ID) == f"/slipway/{ID}"
    first, second = Layout("/a"), Layout("/b")
    assert re.fullmatch(r"/slipway-[0-9a-f]{8}", first.cgroup_parent)
    assert len({Layout().cgroup_parent, first.cgroup_parent, second.cgroup_parent}) == 3
    assert Layout("/a", "/elsewhere").cgroup(ID) == first.cgroup(ID)
