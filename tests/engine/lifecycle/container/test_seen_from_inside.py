# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container sees of itself, compared with podman's for the same options."""

from __future__ import annotations

import shutil

import pytest
from podmaninspect import CGROUP, COMMON, CONFIG, NAME, layers

from _engine.frozen import replace
from hybrid import UNIFIED

#: The image's only program is a shell, so the script reads by itself.
SCRIPT = """
for file in self/status self/limits self/mountinfo sys/kernel/hostname; do
    while IFS= read -r line; do echo "$file $line"; done </proc/$file
done
export -p; pwd; umask
"""
#: podman's options, and ours.
CASES: dict[str, tuple[str, dict]] = {
    "nothing": ("", {}),
    "user and groups": ("--user 5:6 --group-add 7", {"user": "5:6", "group_add": ["7"]}),
    "capabilities": ("--cap-add net_admin --cap-drop kill", {"cap_add": ["net_admin"], "cap_drop": ["kill"]}),
    "a user's capability": ("--user 5 --cap-add net_admin", {"user": "5", "cap_add": ["net_admin"]}),
    "privileges": (
        "--security-opt no-new-privileges --security-opt seccomp=unconfined",
        {"security_opt": ["no-new-privileges", "seccomp=unconfined"]},
    ),
    "surroundings": (
        "--env B=2 --workdir /bin --hostname h --umask 077 --ulimit core=5:6",
        {"env": {"B": "2"}, "workdir": "/bin", "hostname": "h", "umask": "077", "ulimit": ["core=5:6"]},
    ),
    "mounts": (
        "--read-only --tmpfs /scratch:size=1048576,noexec -v /etc/apt:/host:ro",
        {"read_only": True, "tmpfs": {"/scratch": "size=1m,noexec"}, "volume": ["/etc/apt:/host:ro"]},
    ),
}
_STATUS = "Uid Gid Groups CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp".split()
#: Names and files that are specific to each engine (docs/compat.md, *Inspect*).
_OWN = ("container=", "HOSTNAME=", "TERM=", "SHLVL=", "OLDPWD=")
_FILES = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv", "/run/secrets")


def seen(text: str) -> dict[str, object]:
    """Return the script's output, without what differs between any two containers."""
    lines = text.splitlines()
    status = [line.split(" ", 1)[1] for line in lines if line.startswith("self/status")]
    mounts = [line.split()[1:] for line in lines if line.startswith("self/mountinfo")]
    return {
        "status": {line.split(":")[0]: line.split()[1:] for line in status if line.split(":")[0] in _STATUS},
        "limits": sorted(line for line in lines if line.startswith("self/limits")),
        "mounts": {
            # The source of the root mount depends on the storage driver.
            words[4]: (words[4] != "/" and words[words.index("-") + 1], *sorted(words[5].split(",")))
            for words in mounts
            if words[4] not in _FILES
        },
        "variables": sorted(
            line for line in lines if line.startswith("export ") and not line[7:].startswith(_OWN)
        ),
        "rest": lines[-2:],
    }


@pytest.fixture
def no_leftovers(host):
    """Remove the plain directories that podman's crun creates where a hierarchy is hidden from it."""
    yield
    shutil.rmtree(f"{UNIFIED}{CGROUP}", ignore_errors=True)


@pytest.fixture
def inside(host, built, no_leftovers):
    """Return the function that runs the script in a container of ours."""
    built(NAME, *layers(), **CONFIG["config"])

    def inside(options: dict) -> str:
        limits = {"ulimit": ["nofile=64:64", "nproc=64:64", *options.get("ulimit", [])]}
        wanted = {
            "image": NAME,
            "entrypoint": ["/bin/sh"],
            "detach": False,
            "healthcheck": "none",
            **options,
            **limits,
        }
        return host.want("started", "-c", SCRIPT, **wanted).result["stdout"]

    return inside


def test_a_container_sees_what_podmans_sees(podman, inside, runtime):
    """Ids, capabilities, limits, mounts, environment, directory and umask are podman's, for each option."""
    podman = replace(podman, runtime=shutil.which(runtime))
    found = {}
    for case, (words, options) in CASES.items():
        argv = [
            "--rm",
            "--network",
            "none",
            "--no-healthcheck",
            *COMMON,
            "--entrypoint",
            "/bin/sh",
            *words.split(),
        ]
        theirs = seen(podman.run("run", *argv, NAME, "-c", SCRIPT))
        mine = seen(inside({"name": "box", **options}))
        different = {key: (mine[key], theirs[key]) for key in theirs if mine[key] != theirs[key]}
        found.update({case: different} if different else {})
    assert found == {}
