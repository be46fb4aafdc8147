# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes of containers: filled once, preserved when containers are recreated, removed on request."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from _engine.lifecycle.converge.container import converge
from _engine.lifecycle.converge.request import Request
from dockerarchive import layer

SLEEP = ("sleep", "1000")
CONTENT = layer({"data": None, "data/first": b"of the image", "data/second": b"of the image"})
#: A script that starts a container on request, and prints the result.
STARTER = """
import json, sys
from pathlib import Path
from enginehost import Host
top, runtime, image, name = sys.argv[1:]
host = Host(Path(top), runtime, image)
print("ready", flush=True)
sys.stdin.readline()
outcome = host.want("started", "sleep", "1000", name=name, volume=["shared:/data"])
print(json.dumps(outcome.result["container"]["State"]["Pid"]))
"""


def inside(shape: dict, path: str) -> Path:
    """Return the path of a file in a running container's root for the host."""
    return Path(f"/proc/{shape['State']['Pid']}/root{path}")


def names(path: Path) -> list[str]:
    """Return the names in a directory."""
    return sorted(entry.name for entry in path.iterdir())


@pytest.fixture
def image(built, busybox) -> str:
    """Return an image with the volume /data and two files in it."""
    return built("localhost/data:1", busybox, CONTENT, Volumes={"/data": {}})


def test_volume_of_the_image(host, image):
    """The image's VOLUME becomes an anonymous volume with its content, which absent can remove."""
    shape = host.start(*SLEEP, image=image)
    [mount] = [mount for mount in shape["Mounts"] if mount["Destination"] == "/data"]
    assert host.volumes() == [mount["Name"]]
    assert names(inside(shape, "/data")) == names(host.data(mount["Name"])) == ["first", "second"]
    host.bring("box", "absent", stop_time=0)
    assert host.volumes() == [mount["Name"]]


def test_absent_with_volumes(host, image):
    """With delete_volumes, absent removes anonymous volumes and keeps named ones."""
    host.want("created", *SLEEP, image=image, volume=["/anon", "named:/named"])
    assert len(host.volumes()) == 3
    host.bring("box", "absent", delete_volumes=True)
    assert host.volumes() == ["named"]


def test_copied_up_once(host, image):
    """A fresh volume is filled at the first start, and never again."""
    options = {"image": image, "volume": ["named:/data"]}
    host.start(*SLEEP, **options)
    host.data("named").joinpath("first").unlink()
    host.want("started", *SLEEP, **options, force_restart=True, stop_time=0)
    assert names(host.data("named")) == ["second"]
    host.data("named").joinpath("second").unlink()
    host.want("started", *SLEEP, **options, recreate=True, stop_time=0)
    other = host.start(*SLEEP, name="other", **options)
    assert names(inside(other, "/data")) == []


def test_not_copied_when_told_so(host, image):
    """With nocopy a fresh volume stays empty."""
    shape = host.start(*SLEEP, image=image, volume=["named:/data:nocopy"])
    assert names(inside(shape, "/data")) == []


def test_filled_volume_is_left_alone(host, image):
    """A volume with data is mounted unchanged."""
    host.volume("named")
    host.data("named").joinpath("mine").write_text("mine")
    shape = host.start(*SLEEP, image=image, volume=["named:/data"])
    assert names(inside(shape, "/data")) == ["mine"]


def test_anonymous_volumes_are_carried_over(host, image):
    """A recreation keeps the anonymous volumes, the image's and the task's, with their data."""
    options = {"image": image, "volume": ["/anon"]}
    shape = host.start(*SLEEP, **options)
    before = host.volumes()
    for path in ("/data/written", "/anon/written"):
        inside(shape, path).write_text("by the old container")
    outcome = host.want("started", *SLEEP, **options, env={"NEW": "1"}, stop_time=0)
    after = outcome.result["container"]
    assert "created box" in outcome.actions
    assert len(before) == 2
    assert host.volumes() == before
    assert names(inside(after, "/data")) == ["first", "second", "written"]
    assert names(inside(after, "/anon")) == ["written"]


def test_two_first_starts_at_once(host, image, python_child):
    """Two concurrent starts on one fresh volume copy once, and run on the same directory."""
    starters = [python_child(STARTER, host.top, host.runtime, image, name) for name in ("one", "two")]
    for starter in starters:
        assert starter.stdout.readline() == "ready\n"
    for starter in starters:
        starter.stdin.write("go\n")
        starter.stdin.flush()
    pids = [json.loads(starter.communicate(timeout=60)[0]) for starter in starters]
    places = [Path(f"/proc/{pid}/root/data") for pid in pids] + [host.data("shared")]
    assert [names(place) for place in places] == [["first", "second"]] * 3
    assert len({place.stat().st_ino for place in places}) == 1


@pytest.mark.parametrize("what", ["volume", "data"])
def test_a_volume_whose_directory_was_removed_is_told(host, what):
    """Every verb that recreates it warns of the lost data, also in check mode."""
    options = {"volume": ["lost:/data"], "stop_timeout": 0}
    assert host.want("started", "sleep", "1000", **options).warnings == ()

    def lose() -> None:
        host.bring("box", "stopped")
        shutil.rmtree(host.layout.volume("lost") if what == "volume" else host.layout.volume_data("lost"))

    lose()
    with host.open(read_only=True) as engine:
        foreseen = converge(engine, Request("box", "started"), None).warnings
    assert "volume lost: its directory" in foreseen[0]
    assert host.bring("box", "started").warnings == foreseen
    assert host.bring("box", "restarted").warnings == ()
    lose()
    assert host.volume("lost").warnings == foreseen
    assert host.volume("lost").warnings == ()
    lose()
    done = host.agent("start", "box")
    assert (done.returncode, done.stderr) == (0, f"slipway: {foreseen[0]}\n")
    lose()
    host.bring("box", "absent")
    assert host.volume("lost", "absent").warnings == ()
