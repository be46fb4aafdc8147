# SPDX-License-Identifier: GPL-3.0-or-later
"""A removed layer is detected before the running container is touched, and loading restores it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from _engine.errors import EngineError
from _engine.lifecycle.core.source import lowers_of
from _engine.state import images
from dockerarchive import layer

SLEEP = ("sleep", "1000")


def top_layer(host, name: str) -> Path:
    """Return the directory of an image's last layer."""
    with host.open() as engine, engine.database.reading() as connection:
        return Path(lowers_of(images.by_name(connection, name), engine.layout)[0])


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_a_lost_layer(host, built, busybox):
    """Every start is refused with a remedy that works; a running container continues, and can be stopped."""
    built("localhost/lost:1", busybox, layer({"x": b"1"}))
    other = built("localhost/mounted:1", layer({"y": b"2"}))
    task = {
        "image": "localhost/lost:1",
        "mount": [f"type=image,source={other},destination=/other"],
        "stop_time": 0,
    }
    pid = host.start(*SLEEP, **task)["State"]["Pid"]
    bad = (
        lambda: host.want("started", *SLEEP, env={"A": "1"}, **task),
        lambda: host.want("restarted", *SLEEP, **task),
        lambda: host.want("started", *SLEEP, name="second", **task),
    )
    for name, whole in (("localhost/lost:1", False), ("localhost/lost:1", True), (other, False)):
        lost = top_layer(host, name)
        shutil.rmtree(lost.parent if whole else lost)
        for act in bad:
            with pytest.raises(EngineError, match=f"image {name} has lost a layer.*Load the image again"):
                act()
        refused = host.agent("restart", "box")
        assert (refused.returncode != 0, "has lost a layer" in refused.stderr) == (True, True)
        assert host.inspect()["State"]["Pid"] == pid
        files = layer({"x": b"1"}) if name != other else layer({"y": b"2"})
        built(name, *[busybox] * (name != other), files)
        assert [one.name for one in top_layer(host, name).iterdir()] == ["x" if name != other else "y"]
    shutil.rmtree(top_layer(host, other))
    assert host.bring("box", "stopped").changed
    with pytest.raises(EngineError, match="has lost a layer"):
        host.bring("box", "started")
    assert host.bring("box", "absent").changed
