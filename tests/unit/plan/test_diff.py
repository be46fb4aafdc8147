# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences of options."""

from __future__ import annotations

import pytest

from _engine.model.container.option import LIVE, RECREATE
from _engine.model.container.spec import ContainerSpec
from _engine.model.image.config import ImageConfig
from _engine.plan.diff import differences, image_difference, text_differences, unapplied

#: Options before, after, and the differences: name, old, new.
CASES = {
    "nothing": ({}, {}, []),
    "another spelling": ({"memory": "1g", "env": {"A": 1}}, {"memory": "1024m", "env": {"A": "1"}}, []),
    "set": ({}, {"memory": "1k"}, [("memory", None, 1024)]),
    "altered": ({"memory": "1k"}, {"memory": "2k"}, [("memory", 1024, 2048)]),
    "unset": ({"memory": "1k"}, {}, [("memory", 1024, None)]),
    "back to the default": ({"read_only": True}, {}, [("read_only", True, False)]),
    "a key of three": (
        {"env": {"A": "1", "B": "2", "C": "3"}},
        {"env": {"A": "1", "B": "x", "D": "4"}},
        [("env.B", "2", "x"), ("env.C", "3", None), ("env.D", None, "4")],
    ),
    "a first mapping": ({}, {"env": {"B": "", "A": "1"}}, [("env.A", None, "1"), ("env.B", None, "")]),
    "no mapping any more": ({"label": {"a": "1"}}, {"label": {}}, [("label.a", "1", None)]),
    "case": (
        {"env": {"mode": "x"}, "hostname": "a"},
        {"env": {"MODE": "x"}, "hostname": "A"},
        [("env.MODE", None, "x"), ("env.mode", "x", None), ("hostname", "a", "A")],
    ),
    "order of a command": (
        {"command": ["a", "b"]},
        {"command": ["b", "a"]},
        [("command", ["a", "b"], ["b", "a"])],
    ),
    "order of a set": ({"cap_add": ["CHOWN", "KILL"]}, {"cap_add": ["kill", "chown"]}, []),
    "entrypoint emptied": ({}, {"entrypoint": []}, [("entrypoint", None, [])]),
    "entrypoint given": ({"entrypoint": []}, {"entrypoint": "/x"}, [("entrypoint", [], ["/x"])]),
    "entrypoint taken away": ({"entrypoint": []}, {}, [("entrypoint", [], None)]),
    "mounts, each by its place": (
        {"volume": ["a:/a", "b:/b"]},
        {"volume": ["a:/a:ro"], "tmpfs": {"/t": ""}},
        [
            (
                "mounts./a",
                {"kind": "volume", "source": "a", "options": []},
                {"kind": "volume", "source": "a", "options": ["ro"]},
            ),
            ("mounts./b", {"kind": "volume", "source": "b", "options": []}, None),
            ("mounts./t", None, {"kind": "tmpfs", "source": "", "options": ["nodev", "nosuid"]}),
        ],
    ),
    "the same mount in other words": (
        {"volume": ["/a:/b:ro"]},
        {"mount": ["type=bind,src=/a,dst=/b,ro"]},
        [],
    ),
    "a negative number": ({"pids_limit": "-1"}, {"pids_limit": "5"}, [("pids_limit", -1, 5)]),
    "the image's name alone": ({"image": "app:1"}, {"image": "app:2"}, []),
    "in the order of the table": (
        {},
        {"rm": True, "stop_timeout": 3, "env": {"A": "1"}, "command": "x"},
        [("command", None, ["x"]), ("env.A", None, "1"), ("stop_timeout", 10, 3), ("rm", False, True)],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_differences(spec, case):
    """Each difference is named once, mappings by key, with both values."""
    before, after, expected = CASES[case]
    found = differences(spec(**before), spec(**after))
    assert [(item.option, item.before, item.after) for item in found] == expected


@pytest.mark.parametrize(
    ("option", "value"),
    [("label", {"a": "1"}), ("stop_signal", "INT"), ("stop_timeout", 1), ("memory", "1g"), ("pids_limit", 7)],
)
def test_live_differences(spec, option, value):
    """Labels, limits, stop signal and stop timeout change while the container runs."""
    assert [item.change for item in differences(spec(), spec(**{option: value}))] == [LIVE]


@pytest.mark.parametrize(
    ("option", "value"), [("env", {"a": "1"}), ("shm_size", "1g"), ("tty", True), ("volume", ["/a"])]
)
def test_differences_that_need_a_new_container(spec, option, value):
    """Options that the runtime got at creation recreate the container."""
    assert [item.change for item in differences(spec(), spec(**{option: value}))] == [RECREATE]


#: Name and id before, name and id now, strict: the difference.
IMAGES = [
    ("app:1", "i1", "app:1", "i1", False, None),
    ("app:1", "i1", "app:1", "i2", False, ("i1", "i2")),
    ("app:1", "i1", "other:1", "i1", False, None),
    ("app:1", "i1", "other:1", "i1", True, ("app:1", "other:1")),
    ("app:1", "i1", "other:1", "i2", True, ("i1", "i2")),
    ("app:1", "i1", "gone:1", None, False, ("i1", "gone:1")),
    ("app:1", None, "app:1", "i1", False, ("app:1", "i1")),
]


@pytest.mark.parametrize(("old", "old_id", "new", "new_id", "strict", "expected"), IMAGES)
def test_image(spec, old, old_id, new, new_id, strict, expected):
    """Images are compared by ID, so a moved tag counts and a second name does not, unless strict."""
    found = image_difference(spec(image=old), spec(image=new), old_id, new_id, strict=strict)
    assert [(item.option, item.before, item.after, item.change) for item in found] == (
        [("image", *expected, RECREATE)] if expected else []
    )


def test_rootfs_is_compared_by_its_path(spec):
    """A plain directory has no ID: its path is the image."""
    first, second = spec(image="/a", rootfs=True), spec(image="/b", rootfs=True)
    assert image_difference(first, first, None, None, strict=False) == ()
    assert [item.after for item in image_difference(first, second, None, None, strict=False)] == ["/b"]


def test_from_an_image_to_a_directory(spec):
    """A directory instead of an image is two differences: image and rootfs."""
    before, after = spec(image="app:1"), spec(image="/a", rootfs=True)
    assert [item.after for item in image_difference(before, after, "i1", None, strict=False)] == ["/a"]
    assert [item.option for item in differences(before, after)] == ["rootfs"]


def test_text_differences():
    """Plain mappings are compared key by key, all of it live."""
    found = text_differences(
        {"labels": {"a": "1"}, "driver": "x"}, {"driver": "y", "labels": {"b": "", "a": "2"}}
    )
    assert [(item.option, item.before, item.after, item.change) for item in found] == [
        ("driver", "x", "y", LIVE),
        ("labels.a", "1", "2", LIVE),
        ("labels.b", None, "", LIVE),
    ]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"network": ["none"], "memory": "64m"}, ()),
        ({"network": ["host"], "memory": "65536k"}, ("network",)),
        ({"label": {}}, ()),
        ({"label": {"a": "b"}, "tmpfs": {"/x": ""}}, ("label", "mounts")),
        ({"memory": "much"}, ("memory",)),
    ],
)
def test_what_a_task_says_beside_the_point(given, names):
    """Options of a task without a spec are named if they differ from the container's, in any spelling."""
    spec = ContainerSpec.parse({"name": "a", "image": "b", "network": ["none"], "memory": "64m"})
    assert unapplied(spec, given) == names


IMAGE = ImageConfig(
    entrypoint=("/start",),
    cmd=("1d",),
    env=("PATH=/bin", "password=root"),
    user="app",
    working_dir="work",
    labels={"key": "amazing value"},
    stop_signal="KILL",
    healthcheck={"Test": ["CMD-SHELL", "true"], "Interval": 10**9},
)
#: What the spec says before and after, and the differences with the image.
WITH_IMAGE = {
    "label": ({}, {"label": {"key": "amazing value"}}, []),
    "another label": ({}, {"label": {"key": "x"}}, [("label.key", "amazing value", "x")]),
    "label goes": ({"label": {"key": "x"}}, {}, [("label.key", "x", "amazing value")]),
    "own label goes": ({"label": {"own": "x"}}, {}, [("label.own", "x", None)]),
    "env": ({"env": {"password": "root"}}, {}, []),
    "env goes": ({"env": {"password": "x", "A": "1"}}, {"env": {"A": "1"}}, [("env.password", "x", "root")]),
    "user": ({"user": "app"}, {}, []),
    "workdir": ({}, {"workdir": "/work"}, []),
    "stop signal": ({}, {"stop_signal": "SIGKILL"}, []),
    "entrypoint and command": ({}, {"entrypoint": ["/start"], "command": ["1d"]}, []),
    "command": ({"command": ["1d"]}, {}, []),
    "entrypoint, which takes the command away": ({}, {"entrypoint": ["/start"]}, [("command", ["1d"], None)]),
    "health check": ({}, {"healthcheck": ["true"], "healthcheck_interval": "1s"}, []),
    "no health check": ({}, {"healthcheck": "none"}, [("healthcheck", ["CMD-SHELL", "true"], ["NONE"])]),
}


@pytest.mark.parametrize("case", WITH_IMAGE.values(), ids=WITH_IMAGE)
def test_what_the_image_says_too_is_no_difference(case):
    """The effective options are compared, with the image's as defaults."""
    specs = (
        ContainerSpec.parse({"name": "a", "image": "b", "network": ["none"], **options})
        for options in case[:2]
    )
    assert [tuple(item[:3]) for item in differences(*specs, IMAGE)] == case[2]
