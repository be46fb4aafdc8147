# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode changes nothing and says exactly what apply then does."""

from __future__ import annotations

import pytest

from enginehost import Host

SLEEP = ("sleep", "1000")
#: The tasks that come before (state and options), and the one that is predicted.
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
    """A predicted task leaves files, rows, mounts and processes alone; applied it does what was predicted, and then nothing."""
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
    from _engine.lifecycle.volumes import converge_volume
    from _engine.model.volume import VolumeSpec

    if state == "absent":
        host.volume("data")
    picture = host.picture()
    with host.open(read_only=True) as engine:
        predicted = converge_volume(engine, VolumeSpec("data"), state)
    assert host.picture() == picture
    assert predicted.actions == host.volume("data", state).actions != ()


def test_on_a_bare_host(runtime, tmp_path, demo_image):
    """Where no engine has been yet, predicting makes not even a directory, and knows what loading will do."""
    from _engine.lifecycle.load import load

    host = Host(tmp_path / "none", runtime, "localhost/none:1")
    with host.open(read_only=True) as engine:
        predicted = load(engine, str(demo_image))
    assert host.inspect() == {}
    assert not (tmp_path / "none").exists()
    assert predicted.actions == host.load(demo_image).actions == ("loaded image localhost/app:1",)
    assert host.load(demo_image).actions == ()
