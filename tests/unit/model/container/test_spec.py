# SPDX-License-Identifier: GPL-3.0-or-later
"""Specs of containers: parsing, storing, and checks across options."""

from __future__ import annotations

import json

import pytest

from _engine.model.container.option import LIVE, RECREATE
from _engine.model.container.options import OPTIONS
from _engine.model.container.spec import ContainerSpec
from optioncases import ALONE, ROWS

CASES = (*ALONE, *ROWS)
BASE = {"name": "app", "image": "localhost/app:1", "network": ["none"]}


def spec_of(**options):
    """Return a container's spec with these options and the required ones."""
    return ContainerSpec.parse({**BASE, **options})


def stored(spec):
    """Return the spec after storing and loading."""
    return ContainerSpec.decode(json.loads(json.dumps(spec.encode())))


def case(row):
    """Return the spec of a case, and the spec with only its requirements."""
    return spec_of(**row.task(row.first)), spec_of(**row.without)


def test_every_option_has_a_case():
    """Every option in the table has a case."""
    assert {row.option for row in CASES} == {name for option in OPTIONS for name in option.arguments}


@pytest.mark.parametrize("row", CASES, ids=lambda row: row.option)
def test_every_option_survives_storing(row):
    """A spec with the option survives storing, and differs from a spec without."""
    spec, without = case(row)
    assert stored(spec) == spec != without


def test_a_stored_mount_is_the_same_in_a_set():
    """A decoded mount is hashable."""
    spec = spec_of(volume=["data:/data:nocopy"])
    assert hash(spec.mounts["/data"]) == hash(stored(spec).mounts["/data"])


def test_a_small_spec_survives_storing():
    """Unset options are not stored, and are unset after loading."""
    spec = spec_of()
    assert stored(spec) == spec
    assert None not in spec.encode().values()


def test_what_a_later_engine_stored_is_left_out():
    """Stored options that are not in the table are ignored."""
    assert ContainerSpec.decode({**spec_of().encode(), "later": 1}) == spec_of()


@pytest.mark.parametrize("option", [option.name for option in OPTIONS])
def test_each_row_is_whole(option):
    """A row has a parser and a kind of change, and its default is canonical."""
    row = next(item for item in OPTIONS if item.name == option)
    assert row.change in (LIVE, RECREATE)
    assert row.arguments
    if row.default is not None:
        assert row.kind.decode(row.kind.encode(row.default)) == row.default


def test_unset_empty_and_set_entrypoint():
    """An unset entrypoint, an empty one and a program differ; an empty string is an empty list."""
    values = [
        spec_of(**given).entrypoint
        for given in ({}, {"entrypoint": []}, {"entrypoint": ""}, {"entrypoint": "/x"})
    ]
    assert values == [None, (), (), ("/x",)]
    assert [stored(spec_of(entrypoint=value)).entrypoint for value in ([], ["/x"])] == [(), ("/x",)]


def test_unset_empty_and_set_command():
    """An empty command is unset, so the image's runs; a single empty word is a command."""
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
    """An empty list or mapping, a limit of 0, and the default equal an unset option."""
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
    """Values that only look empty are kept."""
    spec = spec_of(**{option: value})
    assert spec != spec_of()
    assert stored(spec) == spec


WRONG = {
    "no image": ({"image": None}, "image"),
    "empty image": ({"image": ""}, "image"),
    "rootfs by a relative path": ({"image": "root", "rootfs": True}, "image"),
    "a port of the host's network": ({"network": ["host"], "publish": ["80:80"]}, "publish"),
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
    """Contradicting options are refused, naming one of them."""
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
    """Values just within the limits are accepted."""
    assert stored(spec_of(**options)) == spec_of(**options)


@pytest.mark.parametrize(
    "option", [option.name for option in OPTIONS if option.name not in ("mounts", "log_opt")]
)
def test_an_error_names_its_option(refused, option):
    """For any option, a list in a mapping in a list is refused, naming the option."""
    refused(lambda name, value: spec_of(**{name: value}), option, [{"": [object]}])
