# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode changes nothing, and predicts exactly what a real run does."""

from __future__ import annotations

import pytest

from _engine.errors import EngineError, InvalidOption
from _engine.lifecycle.converge.container import converge
from _engine.lifecycle.converge.request import Request
from enginehost import Host

SLEEP = ("sleep", "1000")
#: The preceding tasks (state and options), and the one that is predicted.
TASKS = {
    "fresh": ((), ("started", {"volume": ["data:/data", "/anon"]})),
    "fresh, not started": ((), ("created", {})),
    "again": ((("started", {"env": {"A": "1"}}),), ("started", {"env": {"A": "1"}})),
    "started": ((("created", {}),), ("started", {})),
    "stopped": ((("started", {}),), ("stopped", {"stop_time": 0})),
    "live": ((("started", {"label": {"a": "1"}}),), ("started", {"label": {"a": "2"}})),
    "live and stopped": ((("started", {}),), ("stopped", {"label": {"a": "2"}, "stop_time": 0})),
    "recreated": (
        (("started", {"env": {"A": "1"}}),),
        ("started", {"env": {"A": "2"}, "volume": ["new:/new"], "stop_time": 0}),
    ),
    "recreated, stopped": ((("created", {}),), ("stopped", {"read_only": True})),
    "forced": ((("started", {}),), ("started", {"force_restart": True, "stop_time": 0})),
    "absent": ((("started", {"volume": ["/anon"]}),), ("absent", {"delete_volumes": True, "stop_time": 0})),
    "in the foreground": ((), ("started", {"entrypoint": ["true"], "detach": False, "rm": True})),
}


@pytest.mark.parametrize("task", TASKS)
def test_container(host, task):
    """A predicted task touches no file, row, mount or process; a real run does what was predicted."""
    earlier, (state, options) = TASKS[task]
    for before, given in earlier:
        host.want(before, *SLEEP, **given)
    picture = host.picture()
    predicted = host.want(state, *SLEEP, **options, settings={"read_only": True})
    assert host.picture() == picture
    done = host.want(state, *SLEEP, **options)
    assert (predicted.actions, predicted.differences, predicted.cost) == (
        done.actions,
        done.differences,
        done.cost,
    )
    if not {"force_restart", "rm"} & options.keys():
        assert host.want(state, *SLEEP, **options, settings={"read_only": True}).actions == ()


@pytest.mark.parametrize("state", ["present", "absent"])
def test_volume(host, state):
    """A volume's task is predicted and not done."""
    from _engine.lifecycle.converge.volume import converge_volume
    from _engine.model.volume.spec import VolumeSpec

    if state == "absent":
        host.volume("data")
    picture = host.picture()
    with host.open(read_only=True) as engine:
        predicted = converge_volume(engine, VolumeSpec("data"), state)
    assert host.picture() == picture
    assert predicted.actions == host.volume("data", state).actions != ()


def test_on_a_bare_host(runtime, tmp_path, demo_image):
    """On a host without an engine, check mode creates no directory, and predicts what loading does."""
    from _engine.lifecycle.image.load import load

    host = Host(tmp_path / "none", runtime, "localhost/none:1")
    with host.open(read_only=True) as engine:
        predicted = load(engine, str(demo_image))
    assert host.inspect() == {}
    assert not (tmp_path / "none").exists()
    assert predicted.actions == host.load(demo_image).actions == ("loaded image localhost/app:1",)
    assert host.load(demo_image).actions == ()


#: What is missing or unfit: options of a container, and what the warning names.
MISSING = {
    "image": ({"image": "localhost/none:1"}, "localhost/none:1"),
    "image and user": ({"image": "localhost/none:1", "user": "app"}, "localhost/none:1"),
    "image and ids": ({"image": "localhost/none:1", "userns": "auto"}, "localhost/none:1"),
    "root file system": ({"image": "/none", "rootfs": True, "user": "app"}, "/none"),
    "bind": ({"volume": ["/none:/data"]}, "/none"),
    "given-away bind": ({"volume": ["/none:/data:U"]}, "/none"),
    "overlay": ({"volume": ["/none:/data:O"]}, "/none"),
    "volume": ({"mount": ["type=volume,source=none,destination=/data,nocreate"]}, "none"),
    "mounted image": ({"mount": ["type=image,source=none,destination=/data"]}, "none"),
    "device": ({"device": ["/dev/none"]}, "/dev/none"),
    "hooks": ({"hooks_dir": ["/none"]}, "/none"),
    "log": ({"log_opt": {"path": "/none/log"}}, "/none/log"),
    "profile": ({"security_opt": ["seccomp=/none"]}, "/none"),
    "zone": ({"timezone": "None/Where"}, "None/Where"),
    "init": ({"init": True, "init_path": "/none"}, "/none"),
    "namespace": ({"network": ["ns:/none"]}, "/none"),
    "user namespace": ({"userns": "ns:/none"}, "/none"),
    "requires": ({"requires": ["none"]}, "none"),
    "volumes_from": ({"volumes_from": ["none"]}, "none"),
    "shared namespace": ({"pid": "container:none"}, "none"),
}


@pytest.mark.parametrize("missing", MISSING)
def test_what_an_earlier_task_could_bring(host, missing):
    """What a container lacks is named in a warning, and the container is predicted; a real run refuses it."""
    options, named = MISSING[missing]
    with host.open(read_only=True) as engine:
        predicted = converge(engine, Request("box", "started", host.spec(*SLEEP, **options)), None)
    assert predicted.actions == ("created box", "started box")
    assert named in " ".join(error.message for error in engine.tolerated)
    assert {error.mended_by for error in engine.tolerated} == {"brings it"}
    with pytest.raises(EngineError, match=named):
        host.want("started", *SLEEP, **options)


#: Tasks on a container in the wrong state, because the preceding tasks were not done.
NOT_YET = {
    "in use": lambda host, engine: converge(engine, Request("first", "absent"), None),
    "made anew": lambda host, engine: converge(
        engine, Request("first", "started", host.spec(*SLEEP, name="first", env={"A": "1"})), None
    ),
    "down": lambda host, engine: converge(
        engine,
        Request("box", "started", host.spec(*SLEEP, requires=["first"]), start_dependencies=False),
        None,
    ),
}


@pytest.mark.parametrize("task", NOT_YET)
def test_what_an_earlier_task_could_change(host, task):
    """A container that others need, or that must be running, is predicted with a warning."""
    host.want("started" if task == "made anew" else "created", *SLEEP, name="first")
    host.want("started" if task == "made anew" else "created", *SLEEP, name="second", pid="container:first")
    with host.open(read_only=True) as engine:
        assert NOT_YET[task](host, engine).actions
    assert [error.mended_by for error in engine.tolerated] == ["changes that"]


def test_bad_input_is_an_error_beside_what_is_missing(host):
    """What no task could provide is refused, whatever else is missing."""
    wish = Request("box", "started", host.spec(*SLEEP, volume=["/none:/data"], user="nobody-knows"))
    with host.open(read_only=True) as engine, pytest.raises(InvalidOption, match="user"):
        converge(engine, wish, None)
