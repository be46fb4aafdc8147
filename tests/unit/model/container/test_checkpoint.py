# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of checkpoints, and the metadata of archives."""

from __future__ import annotations

import pytest

from _engine.errors import ArchiveBroken, InvalidOption
from _engine.model.container.checkpoint import CheckpointOptions, RestoreOptions, for_runtime
from _engine.model.container.spec import ContainerSpec
from _engine.model.engine.checkpoint_dump import CheckpointDump

RICH = {
    "name": "web",
    "image": "app:1",
    "network": ["none"],
    "command": ["a", "b"],
    "hostname": "h",
    "volume": ["data:/data", "/anon", "/srv:/srv:ro"],
    "tmpfs": {"/t": "rw"},
    "memory": "64m",
    "cpuset_cpus": "0-1",
    "umask": "0022",
    "timezone": "UTC",
    "pid": "host",
    "ipc": "private",
    "workdir": "/x",
    "user": "1:1",
    "cgroup_parent": "/a/b",
    "restart_policy": "on-failure:3",
    "ulimit": ["nofile=1:2"],
    "healthcheck": "true",
    "stop_signal": "INT",
    "log_opt": {"max_size": "1m"},
}


def dump(**options):
    """Return the metadata of a container."""
    spec = ContainerSpec.parse({**RICH, **options})
    return CheckpointDump(spec, "i" * 64, "runc", "x86_64", 1, 2, {"/data": "data"}, ("data",), True)


def test_there_and_back():
    """The metadata survives encoding, for any option of the container."""
    assert CheckpointDump.decode(dump().encode()) == dump()


BAD = [
    {"runtime": "poweroff"},
    {"runtime": "/tmp/crun"},
    {"runtime": ["runc"]},
    {"format": "slipway.oci/checkpoint/2"},
    {"spec": []},
    {"spec": {"name": "x"}},
    {"volumes": {"/data": "../x"}},
    {"volumes": {"data": "x"}},
    {"volumes": {"/a/../../b": "x"}},
    {"kept": ["a/b"]},
    {"image": None},
    {"started": "soon"},
]


@pytest.mark.parametrize("change", BAD, ids=str)
def test_what_nobody_wrote(change):
    """Invalid metadata is ArchiveBroken, naming the file."""
    with pytest.raises(ArchiveBroken, match=r"config\.dump"):
        CheckpointDump.decode({**dump().encode(), **change})


BAD_SPECS = [
    {"name": "../x"},
    {"name": "-x"},
    {"hostname": "a\nb"},
    {"cgroup_parent": "/a/../../b"},
    {"workdir": "x"},
    {"pid": "container:../x"},
    {"image": ""},
]


@pytest.mark.parametrize("change", BAD_SPECS, ids=str)
def test_a_spec_that_no_user_could_write(change):
    """Values that a user could not have written are refused."""
    data = dump().encode()
    data["spec"] = {**data["spec"], **change}
    with pytest.raises(ArchiveBroken, match=r"config\.dump"):
        CheckpointDump.decode(data)


@pytest.mark.parametrize("name", ["ignore_rootfs", "ignore_volumes"])
def test_options_of_an_archive(name):
    """Options of an archive are refused without one, for checkpoint and restore."""
    with pytest.raises(InvalidOption, match=f"{name}: True requires"):
        CheckpointOptions.parse({name: True})
    with pytest.raises(InvalidOption, match=f"{name}: True requires"):
        RestoreOptions.parse({"name": "x", name: True})
    assert getattr(CheckpointOptions.parse({name: True, "export": "/x"}), name)
    assert getattr(RestoreOptions.parse({name: True, "import": "/x"}), name)


def test_what_the_runtime_is_told():
    """Checkpoint and restore pass the same flags to the runtime."""
    both = {"tcp_established": True, "file_locks": True}
    flags = ("--tcp-established", "--file-locks")
    assert for_runtime(CheckpointOptions.parse(both)) == flags
    assert for_runtime(RestoreOptions.parse({"name": "x", **both})) == flags
    assert for_runtime(CheckpointOptions()) == ()
