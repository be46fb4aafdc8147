# SPDX-License-Identifier: GPL-3.0-or-later
"""Podman's inspect of the same containers, volumes and images, compared with ours."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from podmaninspect import LAYOUT, NAME, Podman, kinds, merge, our_image, ours, unlike

from _engine.lifecycle.inspect.image import image_shape
from _engine.lifecycle.inspect.volume import volume_shape
from _engine.model.engine.record import ProcessId
from _engine.model.values.times import parse_rfc3339
from _engine.model.volume.grammar import parse
from _engine.model.volume.spec import VolumeRecord, VolumeSpec

COMPAT = Path(__file__).parents[4] / "docs/compat.md"
#: The same container for both: podman's argv and our options. (Podman's default for shm is 64000k.)
#: Podman needs systemd to start a container with a health check.
PLAIN = (
    ["--network", "none", "--shm-size", "64m", "--no-healthcheck"],
    {"network": ["none"], "healthcheck": "none"},
)
RICH = (
    "--network none -v vol:/vol:ro -v /etc/apt:/host:ro,rslave -v /anon -v zed:/z:z --init --tty -i --read-only --rm"
    " --tmpfs /scratch:size=1048576,noexec --mount type=tmpfs,destination=/t2 --mount type=bind,source=/etc/apt,destination=/h2"
    " --memory 64m --cpus 1.5 --cpu-shares 512 --cpuset-cpus 0 --pids-limit 100 --shm-size 1m"
    " --stop-signal TERM --stop-timeout 3 --cap-add net_admin --security-opt no-new-privileges --group-add 5"
    " --security-opt seccomp=unconfined --device /dev/null:/dev/xnull:rw --hostname h --label z=1 --annotation x=y"
    " --env B=2 -w /bin --user 1:1 --entrypoint /bin/env --ulimit core=5:6"
    " --health-cmd true --health-interval 20s --health-timeout 5s --health-start-period 3s --health-retries 2".split(),
    {
        "network": ["none"],
        "volume": ["vol:/vol:ro", "/etc/apt:/host:ro,rslave", "/anon", "zed:/z:z"],
        "init": True,
        "tty": True,
        "interactive": True,
        "read_only": True,
        "rm": True,
        "tmpfs": {"/scratch": "size=1m,noexec"},
        "mount": ["type=tmpfs,destination=/t2", "type=bind,source=/etc/apt,destination=/h2"],
        "memory": "64m",
        "cpus": "1.5",
        "cpu_shares": 512,
        "cpuset_cpus": "0",
        "pids_limit": 100,
        "shm_size": "1m",
        "stop_signal": "TERM",
        "stop_timeout": 3,
        "cap_add": ["net_admin"],
        "security_opt": ["no-new-privileges", "seccomp=unconfined"],
        "group_add": ["5"],
        "device": ["/dev/null:/dev/xnull:rw"],
        "hostname": "h",
        "label": {"z": "1"},
        "annotation": {"x": "y"},
        "env": {"B": "2"},
        "workdir": "/bin",
        "user": "1:1",
        "entrypoint": "/bin/env",
        "ulimit": ["core=5:6"],
        "healthcheck": "true",
        "healthcheck_interval": "20s",
        "healthcheck_timeout": "5s",
        "healthcheck_start_period": "3s",
        "healthcheck_retries": 2,
    },
)
#: Keys that podman lacks: HostConfig.Sysctls is Docker's; podman's vfs has no layers to show, as overlay has.
OWN = {".HostConfig.Sysctls", ".GraphDriver.Data"}
OWN |= {f".GraphDriver.Data.{key}" for key in ("LowerDir", "UpperDir", "WorkDir", "MergedDir")}
#: Keys that podman only has with a checkpoint (tests/vm makes one).
OWN |= {".State.Checkpointed", ".State.CheckpointPath", ".State.Restored"}
#: Keys that may be null in our shape (docs/results.md).
NULL = {
    f".{key}"
    for key in (
        "Config.CreateCommand HostConfig.CgroupMode OCIRuntime State.ExitCode State.FinishedAt State.StartedAt BoundingCaps"
        " EffectiveCaps Config.Cmd Config.Hostname ImageDigest"
    ).split()
}


def test_every_key_of_a_container_is_podmans(podman):
    """Each key of a container is at the same path in podman's, with the same JSON type."""
    rich, plain = podman.create("rich1", RICH[0], "c"), podman.create("plain1", PLAIN[0])
    podman.run("start", "plain1")
    podman.run("wait", "plain1")
    running = podman.create("running1", PLAIN[0], "-c", "sleep 60")
    podman.run("start", "running1")
    theirs: dict[str, set[str]] = {}
    for document in (rich, plain, podman.inspect("plain1"), podman.inspect("running1")):
        merge(theirs, kinds(document))
    alive = {"status": "running", "process": ProcessId(1, 1), "monitor": ProcessId(2, 1), "started": 1}
    mine = kinds(ours(rich, {**RICH[1], "sysctl": {"net.core.somaxconn": "1"}, "command": ["c"]}))
    merge(mine, kinds(ours(plain, PLAIN[1], status="exited", started=1, finished=2)))
    merge(mine, kinds(ours(running, {**PLAIN[1], "network": ["host"], "privileged": True}, **alive)))
    assert unlike({place: types for place, types in mine.items() if place not in OWN}, theirs, NULL) == {}


SAME = (
    "Id Path Args Image ImageName ImageDigest Rootfs Name RestartCount EffectiveCaps BoundingCaps Dependencies NetworkSettings"
    " ExecIDs AppArmorProfile Pod Namespace"
).split()
SAME_CONFIG = (
    "Hostname Domainname User Tty OpenStdin Cmd Image Volumes WorkingDir Entrypoint Labels StopSignal StopTimeout Umask"
    " Healthcheck"
).split()
SAME_HOST = (
    "AutoRemove CapAdd GroupAdd Privileged ReadonlyRootfs NetworkMode RestartPolicy ShmSize CpuShares Memory NanoCpus"
    " CpuPeriod CpuQuota CpusetCpus MemorySwap PidsLimit PidMode UTSMode Cgroups Dns ExtraHosts"
).split()


def test_values_of_a_container_are_podmans(podman):
    """For the same options, the values that matter to a playbook are podman's."""
    for name, (words, raw) in {"rich2": RICH, "plain2": PLAIN}.items():
        theirs = podman.create(name, words, "c")
        mine = ours(theirs, {**raw, "command": ["c"]})
        assert pick(mine, SAME) == pick(theirs, SAME)
        assert pick(mine["Config"], SAME_CONFIG) == pick(theirs["Config"], SAME_CONFIG)
        assert pick(mine["HostConfig"], SAME_HOST) == pick(theirs["HostConfig"], SAME_HOST)
        assert environment(mine) == environment(theirs)
        assert mounts(mine) == mounts(theirs)
        assert parse_rfc3339(mine["Created"]) == parse_rfc3339(theirs["Created"])
        assert set(mine["HostConfig"]["SecurityOpt"]) == set(theirs["HostConfig"]["SecurityOpt"])
        limits = theirs["HostConfig"]["Ulimits"]
        assert [item for item in mine["HostConfig"]["Ulimits"] if item not in limits] == []
        asked = {path: sorted(words.split(",")) for path, words in mine["HostConfig"]["Tmpfs"].items()}
        tmpfs = theirs["HostConfig"]["Tmpfs"]
        assert asked == {path: sorted(tmpfs[path].split(",")) for path in asked}


def pick(document: dict, keys: list[str]) -> dict:
    """Return some keys of a document."""
    return {key: document[key] for key in keys}


def environment(document: dict) -> dict[str, str]:
    """Return the variables without those that each engine sets as it likes."""
    variables = dict(item.split("=", 1) for item in document["Config"]["Env"])
    return {name: value for name, value in variables.items() if name not in ("container", "TERM", "HOSTNAME")}


def mounts(document: dict) -> dict[str, tuple]:
    """Return the mounts by destination, without podman's exec of an image's volume, which is the default."""
    keys = ("Type", "Name", "Driver", "Mode", "RW", "Propagation")
    return {
        item["Destination"]: (*(item.get(key) for key in keys), sorted({*item["Options"]} - {"exec"}))
        for item in document["Mounts"]
    }


def test_states_are_podmans(podman):
    """Created, initialized, running, paused and exited have podman's names, numbers and empty values."""
    theirs = [podman.create("life", PLAIN[0], "-c", "trap 'exit 3' INT; while :; do sleep 0.1; done")]
    for verb in ("init", "start", "pause"):
        podman.run(verb, "life")
        theirs.append(podman.inspect("life"))
    podman.run("unpause", "life")
    podman.run("kill", "--signal", "INT", "life")
    podman.run("wait", "life")
    theirs.append(ended(podman, "life"))

    told = theirs[2]["State"]
    alive = {"process": ProcessId(told["Pid"], 1), "monitor": ProcessId(told["ConmonPid"], 1)}
    began, finished = (parse_rfc3339(theirs[4]["State"][key]) for key in ("StartedAt", "FinishedAt"))
    records = (
        {},
        {"status": "created", **alive},
        {"status": "running", "started": began, **alive},
        {"status": "paused", "started": began, **alive},
        {"status": "exited", "started": began, "finished": finished, "exit_code": 3},
    )
    for document, fields in zip(theirs, records, strict=True):
        assert state(ours(document, PLAIN[1], **fields)) == state(document)


def ended(podman: Podman, name: str) -> dict:
    """Return podman's shape after its cleanup, which another process does, is over."""
    deadline = time.monotonic() + 30
    while (found := podman.inspect(name))["State"]["Status"] != "exited":
        assert time.monotonic() < deadline, found["State"]
        time.sleep(0.05)
    return found


def state(document: dict) -> dict:
    """Return the state with times as numbers, without empty keys and the cgroup, which differs."""
    found = {"ConmonPid": 0, **document["State"]}
    keys = "Status Running Paused Restarting OOMKilled Dead Pid ConmonPid ExitCode Error Health".split()
    times = {
        key: parse_rfc3339(found[key]) for key in ("StartedAt", "FinishedAt", "CheckpointedAt", "RestoredAt")
    }
    return {**pick(found, keys), **times, "in a cgroup": bool(found.get("CgroupPath"))}


#: Podman's keys of images and volumes that we lack: the rows of docs/compat.md below *Images and volumes*.
LACKING = {"image-layers": "GraphDriver", "needs-chown": "NeedsChown"}


def test_what_is_lacking_has_its_reason():
    """docs/compat.md names exactly the keys that only podman has."""
    section = COMPAT.read_text().partition("\n### Images and volumes\n")[2].partition("\n##")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| `(\w+)` \| (.+) \| (.+) \|$", section, re.MULTILINE)
    assert {row[0]: row[1] for row in rows} == LACKING


def test_a_volume_is_as_podmans(podman):
    """Each key of a volume is in podman's, with the same type and, if unused, the same value."""
    podman.run("volume", "create", "--label", "a=b", "fresh")
    container = podman.create("user", ["--network", "none", "-v", "/anon"])
    (anonymous, _data) = (item["Name"] for item in container["Mounts"])
    theirs = [podman.inspect(name, "volume") for name in ("fresh", anonymous)]
    created = [parse_rfc3339(item["CreatedAt"]) for item in theirs]
    records = (
        VolumeRecord(VolumeSpec("fresh", {"a": "b"}), created[0]),
        VolumeRecord(VolumeSpec(anonymous), created[1], anonymous=True),
    )
    for record, document in zip(records, theirs, strict=True):
        mine = volume_shape(record, LAYOUT)
        beside = [mine.pop(key) for key in ("populated_from", "used_by", "mounted", "stays_mounted")]
        assert beside == [None, [], None, False]
        assert mine.pop("Mountpoint") == f"/ROOT/volumes/{record.spec.name}/data"
        assert document["Mountpoint"] == f"{podman.top}/r/volumes/{record.spec.name}/_data"
        assert parse_rfc3339(mine.pop("CreatedAt")) == parse_rfc3339(document["CreatedAt"])
        assert set(document) - set(mine) - {"Mountpoint", "CreatedAt"} == {LACKING["needs-chown"]}
        # Podman omits unset keys.
        assert mine == pick({"Anonymous": False, "UID": 0, "GID": 0, **document}, list(mine))


@pytest.mark.parametrize(
    "options",
    [
        ["type=tmpfs", "device=tmpfs", "o=nodev,uid=1000,gid=1001"],
        ["o=uid=5,gid=6"],
        ["type=bind", "device=/srv", "o=ro"],
        ["nocopy"],
    ],
)
def test_a_volume_s_options_are_as_podmans(podman, options):
    """The driver's options are returned under podman's keys."""
    podman.run("volume", "create", *(word for option in options for word in ("--opt", option)), "own")
    theirs = podman.inspect("own", "volume")
    podman.run("volume", "rm", "own")
    mine = volume_shape(VolumeRecord(VolumeSpec("own", options=parse(options).encode()), 1), LAYOUT)
    wanted = {"UID": 0, "GID": 0, **theirs}
    assert [mine[key] for key in ("Options", "UID", "GID")] == [
        wanted[key] for key in ("Options", "UID", "GID")
    ]


def test_an_image_is_as_podmans(podman):
    """Each key of an image is in podman's, with the same type and, if known, the same value."""
    theirs = podman.inspect(NAME, "image")
    mine = image_shape(our_image(theirs["Digest"]))
    unknown = {f".{key}" for key in ("Annotations", "ManifestType", "NamesHistory")}
    assert unlike(kinds(mine), kinds(theirs), unknown) == {}
    assert set(theirs) - set(mine) == {LACKING["image-layers"]}
    # The sizes in our record are invented; podman takes Comment from the history of OCI images only.
    known = [key for key in mine if f".{key}" not in unknown | {".Size", ".VirtualSize", ".Comment"}]
    assert pick(mine, known) == pick(theirs, known)
