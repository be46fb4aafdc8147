# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode and modules that look write nothing at all: not a file, not a time stamp, not a mount."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

IMAGE = "localhost/box:1"
WANTED = {"image": IMAGE, "network": "none", "command": "sleep 1000", "stop_timeout": 0}


def picture(node) -> dict[str, object]:
    """Return all that is below the engine's directories, with every time but those of reading, and the host's mounts."""
    tops = (node.layout.root, node.layout.run_root)
    found = [path for top in tops for path in _walk(top)]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return {
        "files": {path: _describe(path) for path in found},
        "mounts": [line for line in mounts if node.top in line],
        "kernel": [*node.processes(), *node.cgroups()],
    }


def _walk(top: str) -> list[str]:
    inside = [f"{where}/{name}" for where, names, files in os.walk(top) for name in names + files]
    return [top, *sorted(inside)] if os.path.lexists(top) else []


def _describe(path: str) -> tuple[object, ...]:
    seen = os.lstat(path)
    content = Path(path).read_bytes() if os.path.isfile(path) and not os.path.islink(path) else None
    return (
        seen.st_mode,
        seen.st_uid,
        seen.st_gid,
        seen.st_ino,
        seen.st_size,
        seen.st_mtime_ns,
        seen.st_ctime_ns,
        content,
    )


@pytest.fixture(scope="module")
def stocked(fresh_node, other_archive):
    """Return a host with an image, a running container, one that was only made, two volumes and a network."""
    with fresh_node() as node:
        node.load(other_archive)
        node.task("container", name="runs", volume=["data:/home"], **WANTED)
        node.task("container", name="made", state="created", **WANTED)
        node.task("volume", name="free", label={"tier": "db"})
        node.task("network", name="net", label={"tier": "db"})
        yield node


@pytest.fixture(scope="module")
def trees(tmp_path_factory) -> Path:
    """Return a directory to import."""
    top = tmp_path_factory.mktemp("trees")
    (top / "file").write_text("content\n")
    return top


#: Module, options, whether there is something to change.
TASKS = (
    ("container", {"name": "new", **WANTED, "volume": ["fresh:/home"]}, True),
    ("container", {"name": "new", **WANTED, "detach": False}, True),
    ("container", {"name": "runs", **WANTED, "volume": ["data:/home"]}, False),
    ("container", {"name": "runs", **WANTED, "volume": ["data:/home"], "memory": "64m"}, True),
    ("container", {"name": "runs", **WANTED, "volume": ["data:/home"], "label": {"a": "b"}}, True),
    ("container", {"name": "runs", "state": "stopped"}, True),
    ("container", {"name": "runs", "force_restart": True}, True),
    ("container", {"name": "runs", "recreate": True}, True),
    ("container", {"name": "runs", "state": "absent", "delete_volumes": True}, True),
    ("container", {"name": "made", "state": "started"}, True),
    ("container", {"name": "gone", "state": "absent"}, False),
    ("volume", {"name": "new"}, True),
    ("volume", {"name": "free", "label": {"tier": "web"}}, True),
    ("volume", {"name": "free", "options": {"type": "tmpfs"}, "uid": 5, "mode": "0700"}, True),
    ("volume", {"name": "free", "state": "mounted", "options": ["type=tmpfs"]}, True),
    ("volume", {"name": "free", "state": "unmounted"}, False),
    ("volume", {"name": "data", "recreate": True, "force": True}, True),
    ("volume", {"name": "data", "state": "absent", "force": True}, True),
    ("volume", {"name": "free", "state": "absent"}, True),
    ("image_load", {"input": "{other}"}, False),
    ("image_load", {"input": "{archive}"}, True),
    ("image_import", {"src": "{tree}", "name": "localhost/tree:1"}, True),
    ("image_remove", {"name": "localhost/nosuch:1"}, False),
    ("image_prune", {}, False),
    ("image_prune", {"all": True, "until": "1h", "label": "none"}, False),
    ("prune", {"volume": True}, True),
    ("prune", {"container": True, "network": True}, True),
    ("store_check", {"repair": True}, False),
    ("image_save", {"image": IMAGE, "dest": "/tmp/slipway-not-written.tar"}, True),
    ("image_save", {"image": IMAGE, "dest": "/tmp/slipway-not-written", "format": "oci-dir"}, True),
    ("image_tag", {"image": IMAGE, "target_names": [IMAGE]}, False),
    ("image_tag", {"image": IMAGE, "target_names": ["localhost/new:1"]}, True),
    ("logout", {"registry": "registry.example", "auth_file": "/tmp/slipway-not-written"}, False),
    ("container_export", {"name": "runs", "dest": "/tmp/slipway-not-written.tar"}, True),
    ("container_export", {"name": "made", "dest": "/tmp/slipway-not-written.tar"}, True),
    ("container_copy", {"name": "runs", "src": "/etc/hostname", "dest": "/new/"}, True),
    ("container_copy", {"name": "made", "src": "/etc/hostname", "dest": "/new/"}, True),
    (
        "container_copy",
        {"name": "made", "src": "/etc/passwd", "dest": "/tmp/slipway-not-written", "from_container": True},
        True,
    ),
    ("container_file", {"name": "made", "path": "/etc/passwd", "state": "absent"}, True),
    ("container_file", {"name": "runs", "path": "/none", "state": "absent"}, False),
    ("container_mount", {"name": "made"}, True),
    ("container_mount", {"name": "made", "state": "unmounted"}, False),
    ("container_diff", {"name": "runs"}, False),
    ("volume_export", {"name": "data", "dest": "/tmp/slipway-not-written.tar"}, True),
    ("volume_import", {"name": "free", "src": "{other}"}, True),
    ("volume_snapshot", {"name": "data"}, True),
    ("volume_content", {"name": "data", "files": [{"path": "x", "content": "x"}]}, True),
    ("network", {"name": "new", "ipv6": True}, True),
    ("network", {"name": "net", "label": {"tier": "db"}}, False),
    ("network", {"name": "net", "label": {"tier": "web"}}, True),
    ("network", {"name": "net", "internal": True}, True),
    ("network", {"name": "net", "state": "absent"}, True),
    ("network", {"name": "gone", "state": "absent"}, False),
    ("container_info", {}, False),
    ("volume_info", {}, False),
    ("network_info", {}, False),
    ("image_info", {}, False),
    ("engine_info", {}, False),
)


def placed(options: dict[str, object], archive: Path, other: Path, tree: Path) -> dict[str, object]:
    """Return the options with the paths of this run."""
    places = {"{archive}": str(archive), "{other}": str(other), "{tree}": str(tree)}
    return {
        name: places.get(value, value) if isinstance(value, str) else value for name, value in options.items()
    }


@pytest.mark.parametrize("case", TASKS, ids=lambda case: f"{case[0]}-{'-'.join(case[1])}")
def test_check_mode_writes_nothing(stocked, archive, other_archive, trees, case):
    """A task in check mode tells what it would do, and every file, mount, process and cgroup is as before."""
    module, options, changes = case
    options = placed(options, archive, other_archive, trees)
    before = picture(stocked)
    result = stocked.task(module, check=True, **options)
    assert (result.get("failed", False), result["changed"]) == (False, changes), result.get("msg")
    assert bool(result.get("actions")) is changes
    assert picture(stocked) == before


FRESH = tuple(case for case in TASKS if case[1].get("name") in (None, "new", "localhost/tree:1", "gone"))


@pytest.mark.parametrize("case", FRESH, ids=lambda case: f"{case[0]}-{'-'.join(case[1])}")
def test_a_host_that_never_had_the_engine_stays_so(node, archive, other_archive, trees, case):
    """In check mode not even the engine's directories are made, whether the task would do something or can't yet."""
    module, options, _changes = case
    options = placed(options, archive, other_archive, trees)
    result = node.task(module, check=True, **options)
    assert not result.get("failed"), result["msg"]
    assert os.listdir(node.top) == []
    assert picture(node) == {"files": {}, "mounts": [], "kernel": []}


def test_a_play_whose_files_are_the_controllers(node, tmp_path):
    """In check mode modules that bring files predict too on a host where no container and no volume is there yet."""
    file = tmp_path / "app.conf"
    file.write_text("x\n")
    out = {"container": "gone", "src": "/etc/hosts", "dest": str(tmp_path / "out"), "from_container": True}
    play = node.play(
        {"name": "out", "slipway.oci.container_copy": {**out, "remote_src": False}},
        {
            "name": "in",
            "slipway.oci.container_copy": {
                "container": "gone",
                "src": str(file),
                "dest": "/x",
                "remote_src": False,
            },
        },
        {
            "name": "file",
            "slipway.oci.container_file": {"container": "gone", "path": "/x", "template": str(file)},
        },
        {"name": "content", "slipway.oci.volume_content": {"name": "gone", "src": str(file)}},
        check=True,
    )
    assert (play.failed, play.changed) == ([], ["out", "in", "file", "content"])
    assert sorted(os.listdir(tmp_path)) == ["app.conf"]


def test_defaults_of_all_containers_change_none(ready):
    """A task that only names a state leaves the container as it is, whatever module_defaults says of containers."""
    usual = {"slipway.oci.container": {"network": ["none"], "memory": "64m", "stop_time": 0}}
    first = {"name": "usual", "image": IMAGE, "command": "sleep 1000"}
    play = ready.play(
        {"name": "make", "slipway.oci.container": first, "module_defaults": usual},
        {
            "name": "stop",
            "slipway.oci.container": {"name": "usual", "state": "stopped"},
            "module_defaults": usual,
        },
        {
            "name": "other",
            "slipway.oci.container": {"name": "usual", "state": "present"},
            "module_defaults": {"slipway.oci.container": {"memory": "32m", "env": {"A": "1"}}},
        },
        {"name": "remove", "slipway.oci.container": {"name": "usual", "state": "absent"}},
    )
    assert (play.failed, play.changed) == ([], ["make", "stop", "remove"])
    assert play["stop"]["actions"] == ["stopped usual"]
    assert play["other"]["container"]["HostConfig"]["Memory"] == 64 * 1024**2
    assert "env, memory: not applied" in str(play["other"]["warnings"])
