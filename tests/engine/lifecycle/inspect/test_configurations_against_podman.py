# SPDX-License-Identifier: GPL-3.0-or-later
"""One container of each configuration, beside podman's: every key, type and value of inspect, both ways.

Each path where the two differ has a row in docs/compat.md, below *Inspect*; a difference without a row fails, and so
does a row without a difference.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from podmaninspect import CGROUP, NAME, OPEN, ours
from podmaninspect import COMMON as ALL

from _engine.lifecycle.inspect.host_facts import look
from _engine.model.engine.storage_drivers import VFS
from _engine.model.values.times import parse_rfc3339

COMPAT = Path(__file__).parents[4] / "docs/compat.md"
#: Options of all configurations; podman sets limits that not every host allows (podmaninspect.COMMON).
COMMON = {"network": ["none"], "ulimit": ["nofile=64:64", "nproc=64:64"], "cgroup_parent": CGROUP}
#: Not every machine has a directory with devices.
DIRECTORY = {"devices of a directory": ("--device /dev/net:/dev/nets", {"device": ["/dev/net:/dev/nets"]})}
DIRECTORY = DIRECTORY if Path("/dev/net/tun").exists() else {}
#: Configurations: podman's arguments, and our options.
CASES: dict[str, tuple[str, dict]] = {
    "nothing": ("", {}),
    "command": ("", {"command": ["-c", "true"]}),
    "user": ("--user 1000", {"user": "1000"}),
    "user and group": ("--user 1000:5", {"user": "1000:5"}),
    "named user": ("--user app", {"user": "app"}),
    "root by name": ("--user root", {"user": "root"}),
    "groups": ("--group-add 5 --group-add 6", {"group_add": ["5", "6"]}),
    "all capabilities": ("--cap-add all", {"cap_add": ["all"]}),
    "no capabilities": ("--cap-drop all", {"cap_drop": ["all"]}),
    "all but one": ("--cap-add all --cap-drop kill", {"cap_add": ["all"], "cap_drop": ["kill"]}),
    "one": ("--cap-drop all --cap-add kill", {"cap_drop": ["all"], "cap_add": ["kill"]}),
    "one more": ("--cap-add net_admin --cap-drop mknod", {"cap_add": ["net_admin"], "cap_drop": ["mknod"]}),
    "a user's capability": ("--user 5 --cap-add net_admin", {"user": "5", "cap_add": ["net_admin"]}),
    "a user with all": ("--user 5 --cap-add all", {"user": "5", "cap_add": ["all"]}),
    "privileged": ("--privileged", {"privileged": True}),
    "privileged user": ("--privileged --user app", {"privileged": True, "user": "app"}),
    "no new privileges": ("--security-opt no-new-privileges", {"security_opt": ["no-new-privileges"]}),
    "no filter": ("--security-opt seccomp=unconfined", {"security_opt": ["seccomp=unconfined"]}),
    "masks": ("--security-opt mask=/a:/b", {"security_opt": ["mask=/a:/b"]}),
    "host's ipc": ("--ipc host", {"ipc": "host"}),
    "own ipc": ("--ipc private", {"ipc": "private"}),
    "no ipc": ("--ipc none", {"ipc": "none"}),
    "shareable ipc": ("--ipc shareable", {"ipc": "shareable"}),
    "host's pids": ("--pid host", {"pid": "host"}),
    "host's names": ("--uts host", {"uts": "host"}),
    "host's cgroups": ("--cgroupns host", {"cgroupns": "host"}),
    "own cgroups": ("--cgroupns private", {"cgroupns": "private"}),
    "memory": ("--memory 64m", {"memory": "64m"}),
    "memory and swap": ("--memory 64m --memory-swap 100m", {"memory": "64m", "memory_swap": "100m"}),
    "memory without end of swap": ("--memory 64m --memory-swap -1", {"memory": "64m", "memory_swap": "-1"}),
    "reservation": ("--memory-reservation 32m", {"memory_reservation": "32m"}),
    "processors": (
        "--cpus 1.5 --cpu-shares 512 --cpuset-cpus 0",
        {"cpus": "1.5", "cpu_shares": 512, "cpuset_cpus": "0"},
    ),
    "quota": ("--cpu-period 50000 --cpu-quota 25000", {"cpu_period": 50000, "cpu_quota": 25000}),
    "processes": ("--pids-limit 100", {"pids_limit": 100}),
    "processes without end": ("--pids-limit -1", {"pids_limit": -1}),
    "ulimits": ("--ulimit core=5:6", {"ulimit": ["nofile=64:64", "nproc=64:64", "core=5:6"]}),
    "out of memory": ("--oom-score-adj 500", {"oom_score_adj": 500}),
    "no killer": ("--oom-kill-disable", {"oom_kill_disable": True}),
    "sysctl": ("--sysctl net.core.somaxconn=99", {"sysctl": {"net.core.somaxconn": "99"}}),
    "device": ("--device /dev/null:/dev/xnull:rw", {"device": ["/dev/null:/dev/xnull:rw"]}),
    **DIRECTORY,
    "read-only": ("--read-only", {"read_only": True}),
    "tmpfs": ("--tmpfs /scratch:size=1048576,noexec", {"tmpfs": {"/scratch": "size=1m,noexec"}}),
    "bind": ("-v /etc/apt:/host:ro,rslave", {"volume": ["/etc/apt:/host:ro,rslave"]}),
    "volume": ("-v vol:/vol:ro -v zed:/z:z", {"volume": ["vol:/vol:ro", "zed:/z:z"]}),
    "anonymous volume": ("-v /anon", {"volume": ["/anon"]}),
    "mounts": (
        "--mount type=tmpfs,destination=/t2 --mount type=bind,source=/etc/apt,destination=/h2",
        {"mount": ["type=tmpfs,destination=/t2", "type=bind,source=/etc/apt,destination=/h2"]},
    ),
    "environment": ("--env B=2 --env A=", {"env": {"B": "2", "A": ""}}),
    "labels": ("--label z=1 --label a=", {"label": {"z": "1", "a": ""}}),
    "annotations": ("--annotation x=y", {"annotation": {"x": "y"}}),
    "entrypoint": ("--entrypoint /bin/env", {"entrypoint": "/bin/env"}),
    "entrypoint of words": (
        '--entrypoint ["/bin/env","a"]',
        {"entrypoint": ["/bin/env", "a"]},
    ),
    "directory": ("--workdir /bin", {"workdir": "/bin"}),
    "host name": ("--hostname h", {"hostname": "h"}),
    "terminal": ("--tty --interactive", {"tty": True, "interactive": True}),
    "init": ("--init", {"init": True}),
    "removed at its end": ("--rm", {"rm": True}),
    "stop": ("--stop-signal TERM --stop-timeout 3", {"stop_signal": "TERM", "stop_timeout": 3}),
    "umask": ("--umask 077", {"umask": "077"}),
    "time zone": ("--tz UTC", {"timezone": "UTC"}),
    "restart": ("--restart on-failure:3", {"restart_policy": "on-failure:3"}),
    "restart always": ("--restart always", {"restart_policy": "always"}),
    "health": (
        "--health-cmd true --health-interval 20s --health-timeout 5s --health-start-period 3s --health-retries 2",
        {
            "healthcheck": "true",
            "healthcheck_interval": "20s",
            "healthcheck_timeout": "5s",
            "healthcheck_start_period": "3s",
            "healthcheck_retries": 2,
        },
    ),
    "no health": ("--no-healthcheck", {"healthcheck": "none"}),
    "log": ("--log-opt max-size=1m", {"log_opt": {"max_size": "1m"}}),
    "block devices": ("--blkio-weight 100", {"blkio_weight": 100}),
}

#: The rows of docs/compat.md, and the paths that differ for each.
ROWS = {
    "paths": "ConmonPidFile PidFile StaticDir HostConfig.LogConfig.Path",
    "unset": (
        "OCIConfigPath HostConfig.Init State.CgroupPath State.CheckpointPath State.Checkpointed State.Restored"
        " State.ConmonPid"
    ),
    "sysctls": "HostConfig.Sysctls",
    "health-defaults": "Config.Healthcheck.Retries Config.Healthcheck.StartPeriod",
    "create-command": "Config.CreateCommand",
    "own-annotations": "Config.Annotations",
    "environment": "Config.Env.container Config.Env.TERM Config.Env.HOSTNAME",
    "host-name": "Config.Hostname",
    "oci-runtime": "OCIRuntime",
    "oci-version": "State.OciVersion",
    "layers": "GraphDriver.Data GraphDriver.Data.MergedDir",
    "as-asked": (
        "HostConfig.CapAdd HostConfig.CapDrop HostConfig.Tmpfs HostConfig.SecurityOpt HostConfig.BlkioWeight"
        " HostConfig.MemorySwap"
    ),
    "ipc-mode": "HostConfig.IpcMode",
    "device-nodes": "HostConfig.Devices",
    "log-size": "HostConfig.LogConfig.Size",
    "shm-size": "HostConfig.ShmSize",
    "entrypoint-alone": "Args",
}
OF = {place: row for row, places in ROWS.items() for place in places.split()}
#: Lists without a meaningful order, and podman's options of an image's volume, which are the default.
_UNSAID = {"exec"}


def flat(value: object, path: str = "") -> dict[str, object]:
    """Return the values of a document by path; mappings with the user's own keys, and lists, are values."""
    if isinstance(value, dict) and value and path.rpartition(".")[2] not in OPEN:
        return {
            place: item
            for key, below in value.items()
            for place, item in flat(below, f"{path}.{key}".lstrip(".")).items()
        }
    return {path: value}


def comparable(document: dict) -> dict[str, object]:
    """Return the values of a container by path, sorted where the order has no meaning."""
    config = document["HostConfig"]
    document["Config"]["Env"] = dict(item.split("=", 1) for item in document["Config"]["Env"])
    config["Ulimits"] = sorted(config["Ulimits"], key=lambda limit: limit["Name"])
    config["Tmpfs"] = {path: _words(words) for path, words in config["Tmpfs"].items()}
    config["Binds"] = sorted([*text.split(":")[:2], _words(text.split(":")[2])] for text in config["Binds"])
    document["Created"] = parse_rfc3339(document["Created"])
    mounts = document.pop("Mounts")
    for key in {key for item in mounts for key in item}:
        found = {item["Destination"]: item[key] for item in mounts if key in item}
        if key == "Source":
            found = {item["Destination"]: item.get("Name") or item["Source"] for item in mounts}
        document[f"Mounts.{key}"] = (
            {path: _words(",".join(words)) for path, words in found.items()} if key == "Options" else found
        )
    found = flat(document)
    return {key: item for key, item in found.items() if key not in ("Driver", "GraphDriver.Name")}


def _words(text: str) -> list[str]:
    return sorted({*text.split(",")} - _UNSAID)


def differences(theirs: dict, raw: dict) -> dict[str, tuple]:
    """Return our and podman's values of each path that differs in value, type or presence."""
    options = {key: item for key, item in {**COMMON, **raw}.items() if item is not None}
    shape = json.loads(json.dumps(ours(theirs, options, host=look(), driver=VFS)))
    mine, other = comparable(shape), comparable(theirs)
    places = sorted({*mine, *other})
    both = {place: (mine.get(place, "not there"), other.get(place, "not there")) for place in places}
    return {place: pair for place, pair in both.items() if pair[0] != pair[1]}


@pytest.fixture(scope="module")
def found(podman) -> dict[str, dict[str, tuple]]:
    """Return the differences of each configuration."""
    names = {case: f"case{number}" for number, case in enumerate(CASES)}
    for case, (words, raw) in CASES.items():
        argv = ["--network", "none", *ALL, *words.split()]
        podman.run("create", "--name", names[case], *argv, NAME, *raw.get("command", ()))
    told = {item["Name"]: item for item in json.loads(podman.run("container", "inspect", *names.values()))}
    return {case: differences(told[names[case]], raw) for case, (_words, raw) in CASES.items()}


@pytest.mark.parametrize("case", CASES)
def test_a_configuration_is_told_as_podman_tells_it(found, case):
    """Each key has podman's type and value, or its path has a row in docs/compat.md."""
    assert {place: pair for place, pair in found[case].items() if place not in OF} == {}


def test_what_is_unset_is_told_as_empty(found):
    """A key that podman omits when empty is present with its empty value."""
    places = ROWS["unset"].split()
    pairs = [known[place] for known in found.values() for place in places if place in known]
    assert [pair for pair in pairs if pair[0] or pair[1] != "not there"] == []


def test_every_difference_has_its_reason(found):
    """docs/compat.md has exactly the rows of the table above; each covers real differences."""
    section = COMPAT.read_text().partition("\n## Inspect\n")[2].partition("\n##")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \| (.+) \| (.+) \|$", section, re.MULTILINE)
    assert sorted(row[0] for row in rows) == sorted(ROWS)
    differing = {place for places in found.values() for place in places}
    assert sorted(set(OF) - differing) == []
