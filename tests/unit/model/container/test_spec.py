# SPDX-License-Identifier: GPL-3.0-or-later
"""A container as asked for: all options read, stored and read back; what no option can tell alone."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from _engine.model.container.option import LIVE, RECREATE
from _engine.model.container.options import OPTIONS
from _engine.model.container.spec import ContainerSpec

BASE = {"name": "app", "image": "localhost/app:1", "network": ["none"]}
#: Every option, with a value that is neither its default nor none.
EVERY = {
    "name": "app",
    "image": "/srv/root",
    "rootfs": True,
    "command": ["/bin/server", "--port", "8080", ""],
    "entrypoint": ["/bin/sh"],
    "env": {"MODE": "production", "mode": "\u00fc=\U0001f433", "EMPTY": ""},
    "env_file": ["/etc/app.env", "/etc/b.env"],
    "workdir": "/srv",
    "user": "1000:1000",
    "group_add": ["audio", "10"],
    "hostname": "box",
    "label": {"tier": "db"},
    "annotation": {"org.x": "y"},
    "volume": ["data:/data:nocopy", "/etc/app:/etc/app:ro", "/anonymous"],
    "mount": ["type=bind,src=/a,dst=/b,bind-propagation=rslave"],
    "tmpfs": {"/tmp": "size=64m,mode=1777"},
    "volumes_from": ["other:ro"],
    "image_volume": "ignore",
    "read_only": True,
    "read_only_tmpfs": False,
    "network": ["none"],
    "ipc": "private",
    "pid": "host",
    "uts": "private",
    "cgroupns": "private",
    "userns": "private",
    "memory_swappiness": 5,
    "blkio_weight": 20,
    "device_cgroup_rule": ["c 1:* rw"],
    "cgroup_conf": {"memory.high": "1"},
    "oom_score_adj": 7,
    "init_path": "/sbin/tini",
    "systemd": "false",
    "shm_size_systemd": "1m",
    "umask": "0027",
    "timezone": "local",
    "uidmap": ["0:100000:65536"],
    "gidmap": ["0:100000:65536"],
    "subuidname": None,
    "subgidname": None,
    "cap_add": ["NET_ADMIN"],
    "cap_drop": ["ALL"],
    "privileged": True,
    "security_opt": ["no-new-privileges", "label=type:x"],
    "hooks_dir": ["/etc/hooks.d"],
    "device": ["/dev/fuse:/dev/x:rw"],
    "memory": "256m",
    "memory_reservation": "128m",
    "memory_swap": "-1",
    "cpus": "1.5",
    "cpu_shares": 512,
    "cpuset_cpus": "0-1",
    "cpuset_mems": "0",
    "cgroups": "no-conmon",
    "cgroup_parent": "/web",
    "pids_limit": "64",
    "ulimit": ["nofile=1024:-1"],
    "sysctl": {"net.core.somaxconn": "5"},
    "shm_size": "1g",
    "init": True,
    "tty": True,
    "interactive": True,
    "stop_signal": "RTMIN+3",
    "stop_timeout": 3,
    "log_driver": "k8s-file",
    "log_opt": {"max_size": "10m", "path": "/var/log/x.log"},
    "rm": True,
    "requires": ["db"],
    "healthcheck": ["CMD", "true"],
    "no_healthcheck": False,
    "healthcheck_interval": "1s",
    "healthcheck_timeout": "2s",
    "healthcheck_start_period": "3s",
    "healthcheck_retries": 4,
    "healthcheck_failure_action": "kill",
    "health_startup_cmd": "true",
    "health_startup_interval": "5s",
    "health_startup_timeout": "6s",
    "health_startup_retries": 7,
    "health_startup_success": 8,
    "restart_policy": "on-failure:3",
}
#: What can't stand together with the others.
INSTEAD = {"cpu_quota": 50_000, "cpu_period": 20_000}


def spec_of(**options):
    """Return the spec of a container with these options beside those that each needs."""
    return ContainerSpec.parse({**BASE, **options})


#: Options that have one value only, or that others in EVERY exclude.
UNLIKE_NOTHING = {"log_driver", "uts"}


def stored(spec):
    """Return the spec as the database gives it back."""
    return ContainerSpec.decode(json.loads(json.dumps(spec.encode())))


def test_every_option_survives_storing():
    """Parsed, encoded, written as JSON and decoded, a spec with every option is the same."""
    assert {*EVERY, *INSTEAD} == {name for option in OPTIONS for name in option.arguments}
    unlike = set()
    for options in (EVERY, {**EVERY, "cpus": None, **INSTEAD}):
        spec = ContainerSpec.parse(options)
        unlike |= {item.name for item in fields(spec) if getattr(spec, item.name) != item.default}
        assert stored(spec) == spec
    assert unlike == {option.name for option in OPTIONS} - UNLIKE_NOTHING
    assert hash(spec.mounts["/data"]) == hash(stored(spec).mounts["/data"])


def test_a_small_spec_survives_storing():
    """Options that are unset are not stored, and are unset when they come back."""
    spec = spec_of()
    assert stored(spec) == spec
    assert None not in spec.encode().values()


def test_what_a_later_engine_stored_is_left_out():
    """An option that is not in the table is no reason to fail."""
    assert ContainerSpec.decode({**spec_of().encode(), "later": 1}) == spec_of()


@pytest.mark.parametrize("option", [option.name for option in OPTIONS])
def test_each_row_is_whole(option):
    """A row says how a value is read and what an alteration needs, and its default is a canonical value."""
    row = next(item for item in OPTIONS if item.name == option)
    assert row.change in (LIVE, RECREATE)
    assert row.arguments
    if row.default is not None:
        assert row.kind.decode(row.kind.encode(row.default)) == row.default


def test_unset_empty_and_set_entrypoint():
    """No entrypoint, an empty one and a program are three values; an empty text is the empty list."""
    values = [
        spec_of(**given).entrypoint
        for given in ({}, {"entrypoint": []}, {"entrypoint": ""}, {"entrypoint": "/x"})
    ]
    assert values == [None, (), (), ("/x",)]
    assert [stored(spec_of(entrypoint=value)).entrypoint for value in ([], ["/x"])] == [(), ("/x",)]


def test_unset_empty_and_set_command():
    """A command without words runs the image's own, as none does; one empty word is a command."""
    given = ({}, {"command": []}, {"command": ""}, {"command": [""]}, {"command": "x"})
    assert [spec_of(**options).command for options in given] == [None, None, None, ("",), ("x",)]


NOTHING = {
    "env": {},
    "env_file": [],
    "group_add": [],
    "hostname": "",
    "label": {},
    "annotation": {},
    "volume": [],
    "mount": [],
    "tmpfs": {},
    "cap_add": [],
    "cap_drop": [],
    "security_opt": [],
    "hooks_dir": [],
    "device": [],
    "memory": "0",
    "cpus": 0,
    "cpu_shares": 0,
    "ulimit": [],
    "sysctl": {},
    "log_opt": {},
    "rootfs": False,
    "read_only": False,
    "privileged": False,
    "init": False,
    "tty": False,
    "interactive": False,
    "rm": False,
    "stop_timeout": 10,
    "shm_size": "64m",
    "log_driver": "json-file",
}


@pytest.mark.parametrize("option", NOTHING)
def test_what_means_the_same_as_unset_is_unset(option):
    """An empty list or mapping, a limit of 0, and the default itself are no difference from nothing said."""
    assert spec_of(**{option: NOTHING[option]}) == spec_of(**{option: None}) == spec_of()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("user", ""),
        ("entrypoint", []),
        ("env", {"A": ""}),
        ("pids_limit", "-1"),
        ("shm_size", "0"),
        ("stop_timeout", 0),
        ("memory_swap", "-1"),
    ],
)
def test_what_is_not_the_same_as_unset(option, value):
    """Values that only look like none are kept."""
    spec = spec_of(**{option: value})
    assert spec != spec_of()
    assert stored(spec) == spec


WRONG = {
    "no image": ({"image": None}, "image"),
    "empty image": ({"image": ""}, "image"),
    "rootfs by a relative path": ({"image": "root", "rootfs": True}, "image"),
    "no network": ({"network": None}, "network"),
    "swap below memory": ({"memory": "2g", "memory_swap": "1g"}, "memory_swap"),
    "swap of 0": ({"memory": "2g", "memory_swap": "0"}, "memory_swap"),
    "swap without memory": ({"memory_swap": "1g"}, "memory_swap"),
    "swap with unlimited memory": ({"memory": "0", "memory_swap": "1g"}, "memory_swap"),
    "added and dropped": ({"cap_add": ["net_admin", "CHOWN"], "cap_drop": ["CAP_NET_ADMIN"]}, "cap_drop"),
    "all added and dropped": ({"cap_add": ["ALL"], "cap_drop": ["all"]}, "cap_drop"),
    "a setting of the host's network": ({"network": ["host"], "sysctl": {"net.core.somaxconn": 1}}, "sysctl"),
    "the same with slashes": ({"network": ["host"], "sysctl": {"net/core/somaxconn": 1}}, "sysctl"),
    "removed at an end that never comes": ({"rm": True, "stop_timeout": -1}, "stop_timeout"),
}


@pytest.mark.parametrize("case", WRONG)
def test_options_that_do_not_go_together(refused, case):
    """What no option can tell alone is refused with one of them named."""
    options, named = WRONG[case]
    refused(lambda _option, _value: spec_of(**options), named, options)


RIGHT = [
    {"memory": "1g", "memory_swap": "1g"},
    {"memory": "1g", "memory_swap": "-1"},
    {"cap_add": ["ALL"], "cap_drop": ["CHOWN"]},
    {"cap_add": ["CHOWN"], "cap_drop": ["ALL"]},
    {"network": ["host"], "sysctl": {"kernel.msgmax": 1}},
    {"stop_timeout": -1},
    {"rm": True, "stop_timeout": 0},
    {"image": "/srv/root", "rootfs": True},
]


@pytest.mark.parametrize("options", RIGHT)
def test_options_that_go_together(options):
    """What lies just inside of these limits is taken."""
    assert stored(spec_of(**options)) == spec_of(**options)


@pytest.mark.parametrize(
    "option", [option.name for option in OPTIONS if option.name not in ("mounts", "log_opt")]
)
def test_an_error_names_its_option(refused, option):
    """Whatever the option, a list in a mapping in a list is refused by that option's name."""
    refused(lambda name, value: spec_of(**{name: value}), option, [{"": [object]}])
