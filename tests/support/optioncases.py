# SPDX-License-Identifier: GPL-3.0-or-later
"""A value of every option of a container: what tests of the option table are made from, so that a new option needs a row here."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """An option with a value, another spelling of the same value, and another value.

    ``named`` are the differences from the first value to the altered one. ``beside``: options that it needs.
    ``change`` is what each alteration needs. ``{tmp}`` in a value is a directory of the test's.
    """

    option: str
    first: Any
    same: Any
    altered: Any
    named: tuple[str, ...] = ()
    beside: dict[str, Any] = field(default_factory=dict)
    change: str = "recreate"

    @property
    def names(self) -> set[str]:
        """Return the names that the diff has to have."""
        return {*self.named} or {self.option}

    def task(self, value: Any) -> dict[str, Any]:
        """Return the options of a task with this value, and what it needs beside; the directory of the test is /srv."""
        return _read(json.dumps({**self.beside, self.option: value}))

    @property
    def without(self) -> dict[str, Any]:
        """Return the options of a task without it."""
        return _read(json.dumps(self.beside))


def _read(text: str) -> dict[str, Any]:
    return dict(json.loads(text.replace("{tmp}", "/srv")))


LIVE = "live"
#: The network that some rows name.
NETWORK = {"name": "six", "subnet": ["10.97.0.0/24", "fd97::/64"]}
ROWS = (
    # Order means something in a command, and nothing in a set.
    Row("command", ["/bin/cat", "/a", "/b"], "/bin/cat /a '/b'", ["/bin/cat", "/b", "/a"]),
    Row("command", ["/bin/sleep", "10"], ["/bin/sleep", 10], ["/bin/sleep", "1", "0"]),
    Row("entrypoint", ["/bin/sh", "-c"], '["/bin/sh", "-c"]', "/bin/sh"),
    Row("entrypoint", "", [], "/bin/sh"),
    Row(
        "env",
        {"MODE": "production", "N": 1},
        {"N": "1", "MODE": "production"},
        {"MODE": "Production", "N": 1},
        ("env.MODE",),
    ),
    Row("env", {"mode": "x"}, {"mode": "x"}, {"MODE": "x"}, ("env.mode", "env.MODE")),
    Row("env", {"A": "", "B": "x"}, {"B": "x", "A": ""}, {"B": "x"}, ("env.A",)),
    Row("env_file", ["{tmp}/one.env"], "{tmp}/./one.env", ["{tmp}/two.env"], ("env_file", "env.MODE")),
    Row("workdir", "/data", "/data/", "/Data"),
    Row("user", "1000", 1000, "1000:1000"),
    Row("group_add", ["10", "20"], [20, 10, 10], ["10"]),
    Row("hostname", "box", "box", "Box"),
    Row(
        "label",
        {"tier": 1, "a": "b"},
        {"a": "b", "tier": "1"},
        {"tier": 2, "a": "b"},
        ("label.tier",),
        change=LIVE,
    ),
    Row("annotation", {"org.a": "x"}, {"org.a": "x"}, {"org.a": "X"}, ("annotation.org.a",)),
    Row("volume", ["data:/data"], ["data:/data/:rw"], ["data:/data:ro"], ("mounts./data",)),
    Row("volume", ["data:/data"], "data:/data", ["data:/Data"], ("mounts./data", "mounts./Data")),
    Row(
        "volume",
        ["/etc/hosts:/a", "/etc:/b"],
        ["/etc:/b", "/etc/hosts:/a"],
        ["/etc/hosts:/a"],
        ("mounts./b",),
    ),
    Row("volume", ["/anonymous"], ["/anonymous/"], ["named:/anonymous"], ("mounts./anonymous",)),
    Row(
        "mount",
        ["type=tmpfs,destination=/t,tmpfs-size=1m"],
        ["size=1024k,type=tmpfs,dst=/t"],
        ["type=tmpfs,dst=/t,size=2m"],
        ("mounts./t",),
    ),
    Row(
        "mount",
        ["type=bind,src=/etc,target=/b,ro=true"],
        ["type=bind,source=/etc/,dst=/b,readonly"],
        ["type=bind,src=/etc,target=/b"],
        ("mounts./b",),
    ),
    Row(
        "tmpfs",
        {"/tmp": "size=16m,mode=1777"},
        {"/tmp/": "mode=01777,size=16384k,rw"},
        {"/tmp": "size=17m,mode=1777"},
        ("mounts./tmp",),
    ),
    Row("image_volume", "tmpfs", "tmpfs", "ignore"),
    Row("read_only", True, "yes", False),
    Row("read_only_tmpfs", False, "no", True, beside={"read_only": True}),
    Row("ipc", "private", "private", "none"),
    Row("ipc", "ns:/proc/self/ns/ipc", "ns:/proc/./self/ns/ipc", "host"),
    Row("pid", "host", "host", "ns:/proc/self/ns/pid"),
    Row("uts", "ns:/proc/self/ns/uts", "ns:/proc/./self/ns/uts", "host"),
    Row("cgroupns", "host", "host", "private"),
    Row("memory_swappiness", 5, "5", 0),
    Row("oom_kill_disable", True, "yes", False),
    Row("blkio_weight", 20, "20", 1000, change=LIVE),
    Row("device_cgroup_rule", ["c 1:* wr", "a *:* r"], ["a r", "c  1:* rw"], ["c 1:* r"]),
    Row(
        "cgroup_conf",
        {"memory.high": 5},
        {"memory.high": "5"},
        {"memory.high": 6},
        ("cgroup_conf.memory.high",),
    ),
    Row("oom_score_adj", 7, "7", 0),
    Row("init_path", "/bin/true", "/bin//true", "/bin/false"),
    Row("umask", "27", "0027", "0077"),
    Row("ip", "10.97.0.9", "10.97.0.9", "10.97.0.10", beside={"network": ["six"]}, change=LIVE),
    Row("ip6", "FD97::9", "fd97:0::9", "fd97::10", beside={"network": ["six"]}, change=LIVE),
    Row(
        "mac_address",
        "92:D0:C6:0A:29:33",
        "92-d0-c6-0a-29-33",
        "92:d0:c6:0a:29:34",
        beside={"network": ["bridge"]},
        change=LIVE,
    ),
    Row("link_local_ip", "FE80::7", "fe80:0::7", "169.254.7.1", beside={"network": ["bridge"]}, change=LIVE),
    Row(
        "network_aliases",
        ["www", "db"],
        ["www", "db", "www"],
        ["www"],
        beside={"network": ["bridge"]},
        change=LIVE,
    ),
    Row(
        "publish",
        ["8080:80", "53:53/udp"],
        ["53:53/UDP", "8080:80/tcp"],
        ["8081:80"],
        beside={"network": ["bridge"]},
        change=LIVE,
    ),
    Row("publish_all", True, "yes", False, beside={"network": ["bridge"]}, change=LIVE),
    Row("expose", ["80", "53/udp"], ["53/udp", 80], ["81"], change=LIVE),
    Row("dns", ["10.0.0.53", "fd00::53"], ["10.0.0.53", "fd00:0::53"], ["fd00::53", "10.0.0.53"]),
    Row(
        "dns_search",
        ["a.example", "b.example"],
        ["a.example", "b.example", "a.example"],
        ["b.example", "a.example"],
    ),
    Row("dns_option", ["ndots:2", "edns0"], "ndots:2 edns0", "ndots:3"),
    Row("etc_hosts", {"db": "10.0.0.5"}, {"db": "10.0.0.5"}, {"db": "10.0.0.6"}, ("etc_hosts.db",)),
    Row("no_hosts", True, "yes", False),
    Row("no_hostname", True, "yes", False),
    Row("hosts_file", "none", "none", "image"),
    Row("timezone", "Europe/Berlin", "Europe/Berlin", "local"),
    Row("uidmap", ["0:100000:65536"], ["0:100000:65536"], ["0:100000:65535"], ("userns.uids", "userns.gids")),
    Row("gidmap", ["0:1:1", "1:5:9"], ["1:5:9", "0:1"], ["0:1:1"], ("userns.uids", "userns.gids")),
    Row("cap_add", ["NET_ADMIN", "SYS_TIME"], ["cap_sys_time", "net_admin"], ["NET_ADMIN"]),
    Row("cap_drop", ["ALL"], ["all"], ["CHOWN"]),
    Row("privileged", True, "yes", False),
    Row(
        "security_opt",
        ["no-new-privileges", "seccomp=unconfined"],
        ["seccomp:unconfined", "no-new-privileges:true"],
        ["seccomp=unconfined"],
    ),
    Row("hooks_dir", ["/sys", "/proc/sys"], ["/sys/", "/proc/./sys"], ["/proc/sys", "/sys"]),
    Row(
        "device", ["/dev/null:/dev/x:rw"], ["/dev/null:/dev/x:wr"], ["/dev/null:/dev/x:r"], ("device./dev/x",)
    ),
    Row(
        "device",
        ["/dev/null", "/dev/zero"],
        ["/dev/zero:rwm", "/dev/null:/dev/null"],
        ["/dev/null"],
        ("device./dev/zero",),
    ),
    Row("memory", "256m", 268435456, "257m", change=LIVE),
    Row("memory_reservation", "128m", 134217728, "127m", change=LIVE),
    Row("memory_swap", "-1", -1, "1g", beside={"memory": "256m"}, change=LIVE),
    Row("cpus", "1.5", "1.50", 0.5, change=LIVE),
    Row("cpu_period", 50000, "50000", 20000, change=LIVE),
    Row("cpu_quota", 50000, "50000", 20000, change=LIVE),
    Row("cpu_shares", 512, "512", 256, change=LIVE),
    Row("cpuset_cpus", "0-1", "1,0", "0", change=LIVE),
    Row("cpuset_mems", "0", "0-0", "0-1", change=LIVE),
    Row("pids_limit", "-1", 0, 64, change=LIVE),
    Row("cgroups", "no-conmon", "no-conmon", "enabled"),
    Row("cgroup_parent", "/web", "/web/", "/Web"),
    Row(
        "ulimit",
        ["nofile=1024:4096", "core=-1"],
        ["core=unlimited:-1", "nofile=1024:4096"],
        ["nofile=1024:4097", "core=-1"],
        ("ulimit.nofile",),
    ),
    Row(
        "sysctl",
        {"net.core.somaxconn": 1024},
        {"net.core.somaxconn": "1024"},
        {"net.core.somaxconn": 1025},
        ("sysctl.net.core.somaxconn",),
    ),
    Row("shm_size", "32m", "32768k", "33m"),
    Row("init", True, "yes", False),
    Row("systemd", "always", "Always", False),
    Row("systemd", False, "false", "always"),
    Row("shm_size_systemd", "32m", "32768k", "33m", beside={"systemd": "always"}),
    Row("tty", True, "yes", False),
    Row("interactive", True, "yes", False),
    Row("stop_signal", "SIGINT", "2", "RTMIN+3", change=LIVE),
    Row("stop_timeout", -1, "-1", 5, change=LIVE),
    Row("log_opt", {"max_size": "10m"}, {"max_size": "10240k"}, {"max_size": "11m"}, ("log_opt.max_size",)),
    Row(
        "log_opt",
        {"max_size": "10m", "max_file": 3},
        {"max_file": "3", "max_size": "10m"},
        {"max_size": "10m", "max_file": 4},
        ("log_opt.max_file",),
    ),
    Row(
        "log_opt",
        {"path": "{tmp}/a.log"},
        {"path": "{tmp}/./a.log"},
        {"path": "{tmp}/A.log"},
        ("log_opt.path",),
    ),
    Row("rm", True, "yes", False),
    Row("healthcheck", "true", ["CMD-SHELL", "true"], ["CMD", "true"], change=LIVE),
    Row("healthcheck", "none", ["NONE"], "CMD true", change=LIVE),
    Row("no_healthcheck", True, "yes", False, ("healthcheck",), change=LIVE),
    Row("healthcheck_interval", "90s", "1m30s", "disable", change=LIVE),
    Row("healthcheck_timeout", "500ms", "0.5s", "1s", change=LIVE),
    Row("healthcheck_start_period", "0s", "0", "1s", change=LIVE),
    Row("healthcheck_retries", 3, "3", 4, change=LIVE),
    Row("healthcheck_failure_action", "kill", "kill", "none", change=LIVE),
    Row("health_startup_cmd", "true", ["true"], ["true", "x"], change=LIVE),
    Row("health_startup_interval", "60s", "1m", "61s", change=LIVE),
    Row("health_startup_timeout", "1s", "1000ms", "2s", change=LIVE),
    Row("health_startup_retries", 1, "1", 2, change=LIVE),
    Row("health_startup_success", 1, "1", 2, change=LIVE),
    Row("restart_policy", "on-failure:3", "on-failure:03", "on-failure", change=LIVE),
    Row("restart_policy", "always", "always", "unless-stopped", change=LIVE),
)

#: Options that can't be removed, or have one value only: tests/integration/test_options.py has a test of its own for each.
ALONE = (
    Row("name", "box", "box", "Box"),
    Row("image", "localhost/other:1", "localhost/other:1", "localhost/box:1"),
    Row("rootfs", True, "yes", False, beside={"image": "/srv/root"}),
    Row("network", ["host"], "host", ["ns:/proc/self/ns/net"]),
    Row("log_driver", "journald", "journald", "k8s-file"),
    Row("userns", "auto", "auto", "auto:size=2000"),
    Row("subuidname", "ann", "ann", "bob"),
    Row("subgidname", "ann", "ann", "bob"),
    Row("requires", ["one", "two"], ["two", "one"], ["one"]),
    Row("volumes_from", ["one"], ["one:rw"], ["one:ro"]),
)
