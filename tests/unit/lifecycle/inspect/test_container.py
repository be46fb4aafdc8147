# SPDX-License-Identifier: GPL-3.0-or-later
"""A container in the shape of ``podman inspect``."""

from __future__ import annotations

import json

import pytest

from _engine.lifecycle.info.shape import container_shape
from _engine.model.engine.record import ProcessId
from _engine.model.values.times import NEVER
from _engine.model.volume.spec import VolumeRecord, VolumeSpec
from _engine.runtime.config import build
from _engine.runtime.config.build import BundleRequest, HostFacts
from _engine.runtime.config.users import ResolvedUser

BEGAN, ENDED = 1_795_472_257_500_000_000, 1_795_472_258_000_000_001
BEGAN_TEXT, ENDED_TEXT = "2026-11-23T22:17:37.500000000Z", "2026-11-23T22:17:38.000000001Z"
ALIVE = {"process": ProcessId(4711, 1), "monitor": ProcessId(4700, 1), "started": BEGAN}

#: The record's fields -> the keys of State.
STATES = {
    "never started": ({}, ("created", False, 0, 0, NEVER, NEVER)),
    "known to the runtime": (
        {"status": "created", "process": ProcessId(4711, 1)},
        ("initialized", False, 4711, 0, NEVER, NEVER),
    ),
    "running": ({"status": "running", **ALIVE}, ("running", True, 4711, 0, BEGAN_TEXT, NEVER)),
    "paused": ({"status": "paused", **ALIVE}, ("paused", False, 4711, 0, BEGAN_TEXT, NEVER)),
    "ended, not cleaned up": (
        {"status": "stopped", "started": BEGAN, "finished": ENDED, "exit_code": 137},
        ("stopped", False, 0, 137, BEGAN_TEXT, ENDED_TEXT),
    ),
    "ended": (
        {"status": "exited", "started": BEGAN, "finished": ENDED, "exit_code": 0},
        ("exited", False, 0, 0, BEGAN_TEXT, ENDED_TEXT),
    ),
    "ended, nobody saw how": (
        {"status": "exited", "started": BEGAN, "finished": ENDED},
        ("exited", False, 0, None, BEGAN_TEXT, ENDED_TEXT),
    ),
    "ended, nobody saw when": (
        {"status": "exited", "started": BEGAN},
        ("exited", False, 0, None, BEGAN_TEXT, None),
    ),
    "start killed half-way": ({"status": "stopped"}, ("stopped", False, 0, None, None, None)),
    "to be started again": (
        {"status": "configured", "started": BEGAN, "finished": ENDED},
        ("created", False, 0, None, BEGAN_TEXT, ENDED_TEXT),
    ),
    "being removed": ({"status": "removing"}, ("removing", False, 0, 0, NEVER, NEVER)),
    "not known": ({"status": "unknown", "started": BEGAN}, ("unknown", None, None, None, BEGAN_TEXT, None)),
}


@pytest.mark.parametrize("case", STATES)
def test_state(container, layout, case):
    """The state has podman's names and empty values; an unknown value is null, not 0."""
    fields, told = STATES[case]
    state = container_shape(container({"image": "/r", "rootfs": True}, **fields), None, layout)["State"]
    keys = ("Status", "Running", "Pid", "ExitCode", "StartedAt", "FinishedAt")
    assert tuple(state[key] for key in keys) == told


def test_error_and_memory(container, layout):
    """The last start's error, an OOM kill and the number of restarts are shown."""
    record = container(error="no such file", oom_killed=True, restart_count=3)
    shape = container_shape(record, None, layout)
    told = (shape["State"]["Error"], shape["State"]["OOMKilled"], shape["RestartCount"])
    assert told == ("no such file", True, 3)


def test_cgroup(container, layout):
    """The cgroup is shown while the container is alive."""
    record = container(status="running", **ALIVE)
    assert container_shape(record, None, layout)["State"]["CgroupPath"] == layout.cgroup(record.id)
    assert container_shape(container(), None, layout)["State"]["CgroupPath"] == ""


def test_paths(container, layout):
    """Files that a start writes are shown from the first start on."""
    names = ("OCIConfigPath", "ResolvConfPath", "HostnamePath", "HostsPath")
    before, after = (container_shape(container(started=began), None, layout) for began in (None, BEGAN))
    assert {before[name] for name in names} == {""}
    assert all(after[name].startswith(("/ROOT/", "/RUN/")) for name in names)
    assert before["StaticDir"] == f"/ROOT/containers/{before['Id']}"


def test_image(container, image, layout):
    """The image is shown by id, digest and full name, its layers topmost first."""
    record = image(names=["docker.io/library/other:2", "localhost/app:1"])
    shape = container_shape(container({"image": "app:1"}), record, layout)
    assert (shape["Image"], shape["ImageName"]) == (record.id, "localhost/app:1")
    assert shape["ImageDigest"] == record.manifest_digest
    assert shape["Config"]["Image"] == "app:1"
    lowers = shape["GraphDriver"]["Data"]["LowerDir"].split(":")
    assert lowers == [f"/ROOT/layers/{letter * 64}/diff" for letter in "ba"]


def test_moved_name(container, image, layout):
    """A name that the image has lost is shown as written."""
    shape = container_shape(container({"image": "app:1"}), image(names=["localhost/app:2"]), layout)
    assert shape["ImageName"] == "app:1"


def test_plain_directory(container, layout):
    """A container on a plain directory has no image and no layers."""
    shape = container_shape(
        container({"image": "/srv/r", "rootfs": True, "command": ["/a", "b"]}), None, layout
    )
    assert (shape["Image"], shape["ImageName"], shape["Rootfs"]) == ("", "", "/srv/r")
    assert shape["GraphDriver"] == {"Name": "overlay", "Data": None}
    assert (shape["Path"], shape["Args"]) == ("/a", ["b"])


def test_unknown_image(container, layout):
    """Values of an unknown image are null."""
    shape = container_shape(container(), None, layout)
    of_image = ("User", "Env", "Cmd", "WorkingDir", "Entrypoint", "Labels", "StopSignal")
    told = [shape[key] for key in ("Path", "Args", "ImageDigest", "EffectiveCaps")]
    told += [shape["Config"][key] for key in of_image]
    assert told == [None] * len(told)
    assert shape["GraphDriver"]["Data"]["LowerDir"] is None


def test_json(container, image, layout):
    """The shape can be encoded as JSON."""
    record = container({"volume": ["data:/data", "/etc:/host"], "tmpfs": {"/t": ""}, "ulimit": ["nofile=1"]})
    shape = container_shape(record, image(), layout)
    assert json.loads(json.dumps(shape)) == shape


HOSTNAMES = [
    ({"network": ["none"]}, "1f0a1f0a1f0a"),
    ({"network": ["host"]}, "box"),
    ({"network": ["host"], "hostname": "web"}, "web"),
]


@pytest.mark.parametrize(("options", "name"), HOSTNAMES)
def test_hostname(container, image, layout, options, name):
    """The host name is the option's, the host's with its network, else the short id."""
    shape = container_shape(container(options), image(), layout, host_name="box")
    assert shape["Config"]["Hostname"] == name
    assert f"HOSTNAME={name}" in shape["Config"]["Env"]


def test_hostname_of_an_unknown_host(container, image, layout):
    """If the host's name is unknown, a container that shares it has null."""
    config = container_shape(container({"network": ["host"]}), image(), layout)["Config"]
    assert config["Hostname"] is None
    assert not [item for item in config["Env"] if item.startswith("HOSTNAME=")]


STOP_SIGNALS = [(None, "", 15), (None, "SIGINT", 2), ("USR1", "SIGINT", 10), (None, "SIGFOO", 15)]


@pytest.mark.parametrize("case", STOP_SIGNALS)
def test_stop_signal(container, image, layout, case):
    """The stop signal is the task's, the image's, or TERM, also if the image names an invalid one."""
    asked, of_image, number = case
    shape = container_shape(container({"stop_signal": asked}), image({"StopSignal": of_image}), layout)
    assert shape["Config"]["StopSignal"] == number


@pytest.mark.parametrize(
    ("size", "text"),
    [(None, "0B"), ("999", "999B"), ("1m", "1.049MB"), ("10k", "10.24kB"), ("5g", "5.369GB")],
)
def test_log(container, layout, size, text):
    """The log's path and maximum size are shown."""
    options = {"log_opt": {"max_size": size, "path": "/l"}} if size else {}
    shape = container_shape(container(options), None, layout)["HostConfig"]["LogConfig"]
    path = "/l" if size else f"/ROOT/containers/{'1f0a' * 16}/ctr.log"
    assert (shape["Path"], shape["Size"]) == (path, text)


def test_log_in_the_journal(container, layout):
    """A log in the journal has no path, and its tag is shown as written."""
    options = {"log_driver": "journald", "log_opt": {"tag": "{{.Name}}"}}
    assert container_shape(container(options), None, layout)["HostConfig"]["LogConfig"] == {
        "Type": "journald", "Config": None, "Path": "", "Tag": "{{.Name}}", "Size": "0B",
    }  # fmt: skip


def test_mounts(container, layout):
    """Mounts are shown as in podman: volumes before binds, the image's and anonymous ones by name."""
    record = container(
        {"volume": ["data:/data:ro", "/anon", "/etc:/host:rslave,z,bind"], "tmpfs": {"/t": "size=1m"}},
        volumes={"/data": "data", "/anon": "f00", "/image": "ba5"},
    )
    known = {"data": VolumeRecord(VolumeSpec("data"), 1)}
    mounts = container_shape(record, None, layout, volumes=known)["Mounts"]
    keys = ("Destination", "Source", "Driver", "Mode", "Options", "RW", "Propagation")
    assert [tuple(mount[key] for key in keys) for mount in mounts] == [
        ("/anon", "/ROOT/volumes/f00/data", None, "", ["nosuid", "nodev", "rbind"], True, "rprivate"),
        ("/data", "/ROOT/volumes/data/data", "local", "", ["nosuid", "nodev", "rbind"], False, "rprivate"),
        ("/image", "/ROOT/volumes/ba5/data", None, "", ["nosuid", "nodev", "rbind"], True, "rprivate"),
        ("/host", "/etc", "", "z", ["bind"], True, "rslave"),
    ]
    assert [mount.get("Name") for mount in mounts] == ["f00", "data", "ba5", None]


def test_volume_to_be_made(container, layout):
    """In check mode, an anonymous volume that is not created yet has no name."""
    shape = container_shape(container({"volume": ["/anon"]}), None, layout)
    assert [(mount["Name"], mount["Source"]) for mount in shape["Mounts"]] == [(None, None)]
    assert shape["HostConfig"]["Binds"] == [":/anon:rw,rprivate,nosuid,nodev,rbind"]


GRANTED = "CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT NET_ADMIN"
HELD = frozenset(f"CAP_{name}" for name in f"{GRANTED} NET_RAW SYS_ADMIN".split())
USERS = {None: 0, "root": 0, "0:0": 0, "1000": 1000}
AGREE = {
    "nothing": {},
    "command": {"command": ["b", "c"]},
    "entrypoint": {"entrypoint": ["/e", "f"]},
    "no entrypoint": {"entrypoint": [], "command": ["/x"]},
    "init": {"init": True},
    "environment": {"env": {"A": "2", "PATH": "/p", "HOSTNAME": "h"}, "tty": True},
    "workdir": {"workdir": "/w"},
    "root by name": {"user": "root"},
    "another user": {"user": "1000"},
    "another user with a capability": {"user": "1000", "cap_add": ["net_admin"], "cap_drop": ["kill"]},
    "another user, privileged": {"user": "1000", "privileged": True},
    "capabilities": {"user": "0:0", "cap_add": ["net_raw"], "cap_drop": ["chown"]},
    "all but": {"cap_add": ["all"], "cap_drop": ["chown"]},
    "none but": {"cap_add": ["chown"], "cap_drop": ["all"]},
    "privileged": {"privileged": True},
    "limits": {"memory": "64m", "cpus": "1.5", "cpu_shares": 3, "cpuset_cpus": "0", "pids_limit": 9},
    "no swap limit": {"memory": "64m", "memory_swap": "-1", "pids_limit": -1},
    "swap": {"memory": "64m", "memory_swap": "100m", "ulimit": ["nofile=1:2", "nproc=-1", "core=5"]},
    "mounts": {
        "volume": ["/etc:/a:ro,bind,nosuid", "/etc:/b:rslave", "data:/c:exec,suid"],
        "tmpfs": {"/t": "ro,size=1m"},
    },
    "tmpfs": {"tmpfs": {"/t": "", "/u": "exec,notmpcopyup,rshared"}, "security_opt": ["apparmor=x"]},
}


@pytest.mark.parametrize("case", AGREE)
def test_what_is_told_is_what_runs(container, image, layout, case):
    """Every value that is not null is that of config.json for the same container."""
    record = container(AGREE[case])
    record.volumes.update(
        {path: item.source for path, item in (record.spec.mounts or {}).items() if item.kind == "volume"}
    )
    config = {"Entrypoint": ["/i"], "Cmd": ["d"], "Env": ["A=1", "B=1"], "WorkingDir": "/image"}
    shape = container_shape(record, image(config), layout)
    running = _bundle(record, image(config), layout)
    process = running["process"]

    assert running["ociVersion"] == shape["State"]["OciVersion"]
    assert process["args"] == [shape["Path"], *shape["Args"]]
    assert process["cwd"] == shape["Config"]["WorkingDir"]
    assert [item for item in process["env"] if not item.startswith("HOME=")] == shape["Config"]["Env"]
    assert process.get("apparmorProfile", "") == shape["AppArmorProfile"]
    for key, kind in (("EffectiveCaps", "effective"), ("BoundingCaps", "bounding")):
        assert shape[key] in (process["capabilities"].get(kind, []), None)
    assert (shape["BoundingCaps"] is None) == (case in ("all but", "privileged", "another user, privileged"))
    _assert_limits(shape["HostConfig"], running)
    _assert_mounts(shape, {item["destination"]: item for item in running["mounts"]})


def _bundle(record, image, layout):
    from _engine.model.image import config as imageconfig

    uid = USERS[record.spec.user]
    request = BundleRequest(
        id=record.id,
        spec=record.spec,
        image=imageconfig.parse(image.config),
        rootfs="/r",
        user=ResolvedUser(uid, uid, (), "/", None),
        hostname=record.id[:12],
        cgroup_path="/c",
        host=HostFacts(capabilities=HELD, init_path="/sbin/init", apparmor=True),
        volume_paths={path: layout.volume_data(name) for path, name in record.volumes.items()},
    )
    return build.build(request)


def _assert_limits(told, running):
    limits = running["linux"]["resources"]
    memory, cpu = limits.get("memory", {}), limits.get("cpu", {})
    assert (told["Memory"], max(told["MemorySwap"], 0)) == (memory.get("limit", 0), memory.get("swap", 0))
    assert (told["CpuQuota"], told["CpuPeriod"]) == (cpu.get("quota", 0), cpu.get("period", 0))
    assert (told["CpuShares"], told["CpusetCpus"]) == (cpu.get("shares", 0), cpu.get("cpus", ""))
    assert told["PidsLimit"] == limits.get("pids", {}).get("limit", 0)
    in_force = [(item["type"], item["soft"], item["hard"]) for item in running["process"]["rlimits"]]
    for item in told["Ulimits"]:
        assert (item["Name"], item["Soft"] % 2**64, item["Hard"] % 2**64) in in_force


def _assert_mounts(told, running):
    for mount in told["Mounts"]:
        real = running[mount["Destination"]]
        access = "rw" if mount["RW"] else "ro"
        assert mount["Source"] == real["source"]
        assert sorted([access, mount["Propagation"], *mount["Options"]]) == sorted(real["options"])
    for destination, words in told["HostConfig"]["Tmpfs"].items():
        assert sorted(words.split(",")) == sorted(running[destination]["options"])
