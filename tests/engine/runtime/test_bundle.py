# SPDX-License-Identifier: GPL-3.0-or-later
"""The effects of options inside a container, with both runtimes."""

from __future__ import annotations

import os
import resource

import pytest

PIDS = "cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids$CG/pids.max"
MEMORY = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory$CG/memory.limit_in_bytes"
CPU = "cat /sys/fs/cgroup/cpu$CG/cpu.cfs_quota_us || cut -d' ' -f1 /sys/fs/cgroup/cpu.max"
STATUS = "grep -E '^({}):' /proc/self/status | tr -d '\\t'"
#: Options, the container's command, and its output.
CASES = {
    "entrypoint": ({"entrypoint": ["echo", "a"]}, "b", "a b"),
    "environment": (
        {"env": {"A": "x y", "PATH": "/bin"}},
        "echo $A $PATH $container $HOME",
        "x y /bin oci /root",
    ),
    "hostname": ({"hostname": "one"}, "hostname; echo $HOSTNAME", "one\none"),
    "workdir": ({"workdir": "/var/tmp"}, "pwd", "/var/tmp"),
    "user by name": ({"user": "app"}, "id -u; id -G; echo $HOME", "1000\n1000 2000\n/home/app"),
    "user by number": ({"user": "4242:7"}, "id", "uid=4242 gid=7 groups=7"),
    "groups": ({"group_add": ["extra", "55"]}, "id -G", "0 55 2000"),
    "default capabilities": ({}, STATUS.format("CapEff"), "CapEff:00000000800405fb"),
    "no capabilities": ({"cap_drop": ["all"]}, STATUS.format("CapBnd"), "CapBnd:0000000000000000"),
    "capability of a user": (
        {"user": "app", "cap_add": ["net_admin"]},
        STATUS.format("CapEff|CapAmb"),
        "CapEff:0000000000001000\nCapAmb:0000000000001000",
    ),
    "filter": ({}, STATUS.format("Seccomp|NoNewPrivs"), "NoNewPrivs:0\nSeccomp:2"),
    "no filter": ({"security_opt": ["seccomp=unconfined"]}, STATUS.format("Seccomp"), "Seccomp:0"),
    "no new privileges": (
        {"security_opt": ["no-new-privileges"]},
        STATUS.format("NoNewPrivs"),
        "NoNewPrivs:1",
    ),
    "masked": ({}, "cat /proc/keys", ""),
    "unmasked": ({"security_opt": ["unmask=/proc/timer_list"]}, "head -c 10 /proc/timer_list", "Timer List"),
    "masked by the user": ({"security_opt": ["mask=/etc/passwd"]}, "cat /etc/passwd", ""),
    "kernel settings": ({}, "echo x > /proc/sys/kernel/hostname || echo refused", "refused"),
    "read-only root": (
        {"read_only": True},
        "touch /x || echo refused; touch /tmp/x /run/x /var/tmp/x && echo made",
        "refused\nmade",
    ),
    "tmpfs": (
        {"tmpfs": {"/a": "size=1m,mode=700"}},
        "grep -o ' /a tmpfs .*mode=700' /proc/mounts | cut -c1-9",
        " /a tmpfs",
    ),
    "tmpfs holds what the image had": ({"tmpfs": {"/etc": ""}}, "cd /etc; ls group passwd", "group\npasswd"),
    "device": (
        {"device": ["/dev/loop-control:/dev/other:r"]},
        "(: < /dev/other) && echo opened; (: > /dev/other) || echo refused",
        "opened\nrefused",
    ),
    "ulimit": ({"ulimit": ["nofile=64:128", "core=0"]}, "ulimit -n; ulimit -Hn; ulimit -c", "64\n128\n0"),
    "sysctl": ({"sysctl": {"net.core.somaxconn": "77"}}, "cat /proc/sys/net/core/somaxconn", "77"),
    "own network": ({}, "ls /sys/class/net", "lo"),
    "host network": ({"network": ["host"]}, "readlink /proc/self/ns/net", os.readlink("/proc/self/ns/net")),
    "pid 1": ({}, "echo $$", "1"),
    "pid limit": ({"pids_limit": 77}, PIDS, "77"),
    "no pid limit": ({"pids_limit": -1}, PIDS, "max"),
    "memory": ({"memory": "32m"}, MEMORY, "33554432"),
    "cpus": ({"cpus": "0.5"}, CPU, "50000"),
}


@pytest.mark.parametrize("case", CASES)
def test_container_sees_its_options(box, busybox_root, case):
    """Each option has its effect inside the container."""
    for name in ("wc", "cut", "readlink", "pwd", "sed", "tr"):
        if not (busybox_root / "bin" / name).is_symlink():
            (busybox_root / "bin" / name).symlink_to("busybox")
    options, script, wanted = CASES[case]
    # On v1 a hierarchy's mount in the container may show only the container's own cgroup.
    prefix = "CG=$(sed -n 's/^.*:pids://p' /proc/self/cgroup); [ -e /sys/fs/cgroup/pids$CG ] || CG=;"
    command = ["b"] if "entrypoint" in options else ["sh", "-c", f"{prefix} exec 2>/dev/null; {script}"]
    _found, stdout, _stderr = box.run(*command, **options)
    assert stdout.rstrip("\n") == wanted


def test_bind_mounts(box, tmp_path):
    """A bind mount is writable or read-only as requested, deeper destinations are on shallower ones."""
    outer, inner = tmp_path / "outer", tmp_path / "inner"
    outer.mkdir()
    inner.mkdir()
    (outer / "sub").mkdir()
    (inner / "file").write_text("inner")
    found, stdout, _stderr = box.run(
        "sh",
        "-c",
        "cat /a/sub/file; echo new > /a/made; touch /a/sub/no || echo ' refused'",
        volume=[f"{inner}:/a/sub:ro", f"{outer}:/a"],
    )
    assert (found.code, stdout) == (0, "inner refused\n")
    assert (outer / "made").read_text() == "new\n"


def test_privileged(box):
    """A privileged container has this process's capabilities, the host's devices, no filter, no masks."""
    with open("/proc/self/status", encoding="ascii") as file:
        bounding = next(line for line in file if line.startswith("CapBnd")).split()[1]
    script = (
        "grep -E '^(CapEff|Seccomp):' /proc/self/status; ls /dev/loop-control; head -c 13 /proc/timer_list"
    )
    _found, stdout, _stderr = box.run("sh", "-c", script, privileged=True)
    assert stdout == f"CapEff:\t{bounding}\nSeccomp:\t0\n/dev/loop-control\nTimer List Ve"


def test_ulimits_that_are_not_asked_for_fit_the_host(box):
    """The default limits are podman's, or this host's if lower."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    _found, stdout, _stderr = box.run("sh", "-c", "ulimit -n")
    assert int(stdout) in (1048576, hard)
