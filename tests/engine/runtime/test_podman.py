# SPDX-License-Identifier: GPL-3.0-or-later
"""Our bundle and podman's, for the same options."""

from __future__ import annotations

import pytest
from podmanbundle import comparable, ours

BIND = "/etc/apt"
CASES = {
    "nothing": ([], {}),
    "terminal": (["-t"], {"tty": True}),
    "environment": (
        ["-e", "A=1", "-e", "HOME=/x", "-e", "TERM=y"],
        {"env": {"A": "1", "HOME": "/x", "TERM": "y"}},
    ),
    "entrypoint": (["--entrypoint", '["/bin/echo", "a"]'], {"entrypoint": ["/bin/echo", "a"]}),
    "workdir, hostname": (["-w", "/tmp", "-h", "one"], {"workdir": "/tmp", "hostname": "one"}),
    "annotations": (["--annotation", "a=b"], {"annotation": {"a": "b"}}),
    "user": (["-u", "app"], {"user": "app"}),
    "user and group": (["-u", "app:extra"], {"user": "app:extra"}),
    "user with a capability": (
        ["-u", "1000", "--cap-add", "net_admin"],
        {"user": "1000", "cap_add": ["net_admin"]},
    ),
    "groups": (["--group-add", "extra", "--group-add", "55"], {"group_add": ["extra", "55"]}),
    "all capabilities": (["--cap-add", "all"], {"cap_add": ["all"]}),
    "all but one": (["--cap-add", "all", "--cap-drop", "kill"], {"cap_add": ["all"], "cap_drop": ["kill"]}),
    "none but one": (["--cap-drop", "all", "--cap-add", "kill"], {"cap_drop": ["all"], "cap_add": ["kill"]}),
    "privileged": (["--privileged"], {"privileged": True}),
    "privileged user": (["--privileged", "-u", "app"], {"privileged": True, "user": "app"}),
    "no filter": (["--security-opt", "seccomp=unconfined"], {"security_opt": ["seccomp=unconfined"]}),
    "no new privileges": (["--security-opt", "no-new-privileges"], {"security_opt": ["no-new-privileges"]}),
    "masks": (
        ["--security-opt", "mask=/a", "--security-opt", "unmask=/proc/*"],
        {"security_opt": ["mask=/a", "unmask=/proc/*"]},
    ),
    "unmask all": (["--security-opt", "unmask=ALL"], {"security_opt": ["unmask=ALL"]}),
    "memory": (["-m", "64m"], {"memory": "64m"}),
    "memory that kills nobody": (
        ["-m", "64m", "--oom-kill-disable"],
        {"memory": "64m", "oom_kill_disable": True},
    ),
    "memory and swap": (["-m", "64m", "--memory-swap", "100m"], {"memory": "64m", "memory_swap": "100m"}),
    "memory without end of swap": (
        ["-m", "64m", "--memory-swap", "-1"],
        {"memory": "64m", "memory_swap": "-1"},
    ),
    "processors": (
        ["--cpus", "1.5", "--cpu-shares", "512", "--cpuset-cpus", "0"],
        {"cpus": "1.5", "cpu_shares": 512, "cpuset_cpus": "0"},
    ),
    "processes": (["--pids-limit", "100"], {"pids_limit": 100}),
    "ulimits": (
        ["--ulimit", "nofile=10:20", "--ulimit", "nproc=30:40", "--ulimit", "core=5"],
        {"ulimit": ["nofile=10:20", "nproc=30:40", "core=5"]},
    ),
    "kernel settings": (["--sysctl", "net.core.somaxconn=99"], {"sysctl": {"net.core.somaxconn": "99"}}),
    "device": (["--device", "/dev/full:/dev/f:rw"], {"device": ["/dev/full:/dev/f:rw"]}),
    "read-only": (
        ["--read-only", "--tmpfs", "/tmp:size=1m"],
        {"read_only": True, "tmpfs": {"/tmp": "size=1m"}},
    ),
    "tmpfs": (
        ["--tmpfs", "/a:mode=755,exec", "--mount", "type=tmpfs,destination=/b,ro,notmpcopyup"],
        {"tmpfs": {"/a": "mode=755,exec"}, "mount": ["type=tmpfs,destination=/b,ro,notmpcopyup"]},
    ),
    "binds": (
        ["-v", f"{BIND}:/a/b/c:ro", "-v", f"{BIND}:/a", "-v", f"{BIND}:/a/b:bind,rshared,noexec"],
        {"volume": [f"{BIND}:/a/b/c:ro", f"{BIND}:/a", f"{BIND}:/a/b:bind,rshared,noexec"]},
    ),
    "followed bind": (["-v", f"{BIND}:/a:rslave"], {"volume": [f"{BIND}:/a:rslave"]}),
    "volume": (["-v", "data:/d", "-v", "conf:/c:ro"], {"volume": ["data:/d", "conf:/c:ro"]}),
    "own shm, hosts and dev": (
        ["-v", f"{BIND}:/dev/shm", "-v", f"{BIND}:/dev"],
        {"volume": [f"{BIND}:/dev/shm", f"{BIND}:/dev"]},
    ),
    "own run": (["-v", f"{BIND}:/run:ro"], {"volume": [f"{BIND}:/run:ro"]}),
    "host network": (["--network", "host"], {"network": ["host"]}),
    "host network, own name": (["--network", "host", "-h", "one"], {"network": ["host"], "hostname": "one"}),
}


@pytest.mark.parametrize("case", CASES)
def test_same_as_podman(podman, busybox_root, case):
    """Our bundle is equivalent to podman's, for the same options.

    Excluded: HOSTNAME and hostname of an unnamed container (its ID differs), ``container`` (names the
    engine), TERM without a terminal (nothing to describe; podman 5 omits it too), default rlimits (podman
    does not adapt them to the host and fails), and podman's own annotations.
    """
    words, raw = CASES[case]
    theirs, mine = comparable(podman.make(words)), comparable(ours(busybox_root, raw))
    asked = {f"RLIMIT_{item.partition('=')[0].upper()}" for item in raw.get("ulimit", ())}
    for found in (theirs, mine):
        found["rlimits"] = {name: limits for name, limits in found["rlimits"].items() if name in asked}
    assert mine == theirs
