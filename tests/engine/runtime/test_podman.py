# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundle that podman makes for the same words, beside ours."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess

import pytest

from _engine.kernel import cgroups
from _engine.model.spec import ContainerSpec
from _engine.runtime import bundle, host, users

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
#: Podman leaves this mark out wherever something is mounted on /run, so also in every read-only container.
OWN = ("/run/.containerenv",)


@pytest.fixture(scope="module")
def podman(need, tmp_path_factory, busybox_root):
    """Return a function that makes podman write a config.json; all it keeps lies in a temporary directory."""
    need(os.geteuid() == 0 and shutil.which("podman") and shutil.which("runc"), "root, podman and runc")
    version = subprocess.run(["podman", "--version"], check=True, capture_output=True, text=True).stdout
    if "version 4." not in version or cgroups.version() == "v2":
        pytest.skip("compared is with podman 4 on a host with cgroups v1, whose rules are known to be these")
    # A container path in podman's own directory must stay short: its sockets lie there.
    top = tmp_path_factory.mktemp("p")
    base = ["podman", f"--root={top}/r", f"--runroot={top}/o", f"--tmpdir={top}/t", "--runtime=runc"]
    base += ["--cgroup-manager=cgroupfs", "--storage-driver=vfs", "--events-backend=none"]

    def run(*arguments):
        return subprocess.run([*base, *arguments], check=False, capture_output=True, text=True, timeout=60)

    def make(words):
        network = [] if "--network" in words else ["--network", "none"]
        made = run("create", "--name", "one", *network, *words, "--rootfs", str(busybox_root), "sleep", "1")
        assert made.returncode == 0, made.stderr
        # It may fail to start (the rlimits of this host), but config.json is written before that.
        run("init", "one")
        (path,) = top.glob("r/*-containers/*/userdata/config.json")
        config = json.loads(path.read_text())
        assert run("rm", "--force", "one").returncode == 0
        run("volume", "prune", "--force")
        return config

    yield make
    run("rm", "--force", "--all")
    for path in top.glob("r/*-containers/*/userdata/shm"):
        subprocess.run(["umount", path], check=False)


def ours(root, raw):
    """Return our config.json for the same options, with podman's paths for what is the engine's own."""
    base = {"name": "one", "image": str(root), "rootfs": True, "network": ["none"], "command": ["sleep", "1"]}
    spec = ContainerSpec.parse({**base, **raw})
    shared = "host" in spec.network
    mounts = {item.destination: item for item in (spec.mounts or {}).values()}
    hostname = spec.hostname or (os.uname().nodename if shared else "ID")
    given = ["/etc/hosts", "/etc/hostname", "/run/.containerenv", *(["/etc/resolv.conf"] if shared else [])]
    facts = dataclasses.replace(host.facts(spec), init_path="/bin/busybox")
    request = bundle.BundleRequest(
        id="ID",
        spec=spec,
        image=None,
        rootfs=str(root),
        user=users.resolve(
            spec.user,
            spec.group_add or (),
            passwd=(root / "etc/passwd").read_text(),
            group=(root / "etc/group").read_text(),
        ),
        hostname=hostname,
        cgroup_path="CGROUP",
        host=facts,
        files=dict.fromkeys(given, "ENGINE"),
        shm="ENGINE",
        volume_paths={
            name: f"VOLUME {item.source}" for name, item in mounts.items() if item.kind == "volume"
        },
    )
    return json.loads(json.dumps(bundle.build(request)))


def comparable(config):
    """Return what a config.json means: sets where order means nothing, and no paths that differ by engine."""
    config = json.loads(re.sub(r"/[^\"]*/volumes/(\w+)/_data", r"VOLUME \1", json.dumps(config)))
    config = json.loads(re.sub(r"/[^\"]*/userdata/[^\"]*", "ENGINE", json.dumps(config)))
    process, linux = config["process"], config["linux"]
    environment = dict(item.split("=", 1) for item in process["env"])
    return {
        "args": process["args"],
        "cwd": process["cwd"],
        "env": {
            key: value for key, value in environment.items() if key not in ("TERM", "container", "HOSTNAME")
        },
        "TERM": environment.get("TERM", "xterm"),
        "user": {**process["user"], "additionalGids": sorted(process["user"].get("additionalGids") or ())},
        "terminal": process.get("terminal", False),
        "noNewPrivileges": process.get("noNewPrivileges", False),
        "capabilities": {name: sorted(names) for name, names in process["capabilities"].items() if names},
        "rlimits": {item["type"]: (item["soft"], item["hard"]) for item in process["rlimits"]},
        "root": config["root"],
        "mounts": {
            item["destination"]: mount(item) for item in config["mounts"] if item["destination"] not in OWN
        },
        "annotations": {
            key: item for key, item in config["annotations"].items() if not key.startswith(("io.", "org."))
        },
        "namespaces": sorted(item["type"] for item in linux["namespaces"]),
        "resources": resources(linux["resources"]),
        "devices": {item["path"]: device(item) for item in linux.get("devices", ())},
        "masked": sorted({*linux.get("maskedPaths", ())} - {"/sys/devices/virtual/powercap"}),
        "readonly": sorted(linux.get("readonlyPaths", ())),
        "sysctl": linux.get("sysctl", {}),
        "propagation": linux.get("rootfsPropagation"),
        "filtered": "seccomp" in linux,
    }


def mount(item):
    """Return type, source and the set of options; what is a default of the kernel or of the engine is left out."""
    options = set(item["options"]) - {"nocopy", "rprivate", "exec"}
    if "rw" not in options and "ro" not in options:
        options.add("rw")
    return (
        item["type"],
        item["source"],
        sorted(re.sub(r"^size=1m$", "size=1048576", word) for word in options),
    )


def resources(found):
    """Return the limits; podman writes 0 for no limit of processes, we leave it out."""
    result = {key: value for key, value in found.items() if key != "pids"}
    if (found.get("pids") or {}).get("limit", 0) > 0:
        result["pids"] = found["pids"]
    result["devices"] = sorted(json.dumps(rule, sort_keys=True) for rule in found["devices"])
    return result


def device(item):
    """Return the node; podman puts the file type into the mode, which mknod ignores."""
    return item["type"], item["major"], item["minor"], item["fileMode"] & 0o7777, item["uid"], item["gid"]


@pytest.mark.parametrize("case", CASES)
def test_same_as_podman(podman, busybox_root, case):
    """Our bundle means what podman's means, for the same options.

    Left out, with reason: HOSTNAME and hostname of an unnamed container (another id), ``container`` (names
    the engine), TERM without a terminal (nothing to describe; podman 5 leaves it out too), the rlimits that
    are not asked for (podman does not fit them to the host and fails), and podman's own annotations.
    """
    words, raw = CASES[case]
    theirs, mine = comparable(podman(words)), comparable(ours(busybox_root, raw))
    asked = {f"RLIMIT_{item.partition('=')[0].upper()}" for item in raw.get("ulimit", ())}
    for found in (theirs, mine):
        found["rlimits"] = {name: limits for name, limits in found["rlimits"].items() if name in asked}
    assert mine == theirs
