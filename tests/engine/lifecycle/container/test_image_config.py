# SPDX-License-Identifier: GPL-3.0-or-later
"""Images with unusual settings: meaningful ones take effect, and no verb fails because of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from _engine.lifecycle.image.load import load
from _engine.lifecycle.info import info
from dockerarchive import Link, layer, write_archive

SLEEP = ("sleep", "1000")
QUICK = {"stop_timeout": 0}
ODD = {
    "StopSignal": "SIGFOO",
    "Env": ["PATH=/bin", "NOTHING", "=x", "TWICE=1", "TWICE=2"],
    "Healthcheck": {"Test": "curl", "Interval": 1},
    "ExposedPorts": {"http": {}},
    "Volumes": {"": {}, "/": {}},
    "WorkingDir": "home//app/",
    "Entrypoint": [""],
    "User": "1000",
}


@pytest.fixture
def linked(built, busybox) -> str:
    """Return an image with symlinks on the path to the volumes that it declares, in unusual spellings."""
    content = layer(
        {"var/run": Link("/run"), "srv": None, "srv/www": Link("../data"), "data": None, "data/first": b"x"}
    )
    return built(
        "localhost/linked:1",
        busybox,
        content,
        Volumes={"/data/": {}, "//var/run/x": {}, "/srv/www/.": {}, "rel": {}, "/a/../b": {}, "": {}},
    )


def mounted(shape) -> dict[str, list[str]]:
    """Return the sources of the container's mounts, by destination."""
    lines = Path(f"/proc/{shape['State']['Pid']}/mountinfo").read_text().splitlines()
    found: dict[str, list[str]] = {}
    for line in lines:
        fields = line.split(" ")
        found.setdefault(fields[4], []).append(fields[3])
    return found


@pytest.mark.parametrize("image_volume", ["anonymous", "tmpfs"])
def test_own_mounts_win(host, linked, tmp_path, image_volume):
    """A task's mount replaces the image's volume, however the image spells it and wherever symlinks lead."""
    options = {"volume": ["mine:/data", f"{tmp_path}:/run/x"], "image_volume": image_volume, **QUICK}
    shape = host.start(*SLEEP, image=linked, **options)
    seen = mounted(shape)
    assert [source.rpartition("/volumes/")[2] for source in seen["/data"]] == ["mine/data"]
    assert [source.endswith(tmp_path.name) for source in seen["/run/x"]] == [True]
    assert {"/rel", "/b"} <= seen.keys()
    places = {mount["Destination"] for mount in shape["Mounts"]}
    assert places - {"/rel", "/b"} == {"/data", "/run/x"}
    again = host.want("started", *SLEEP, image=linked, **options)
    assert again.actions == ()


def test_volumes_that_lead_to_one_place(host, linked):
    """Without mounts of the task, each destination gets one volume, with the image's content."""
    shape = host.start(*SLEEP, image=linked, **QUICK)
    assert {mount["Destination"] for mount in shape["Mounts"]} == {"/data", "/var/run/x", "/rel", "/b"}
    assert Path(f"/proc/{shape['State']['Pid']}/root/data/first").read_bytes() == b"x"
    kept = {mount["Destination"]: mount["Name"] for mount in shape["Mounts"]}
    shape = host.start(*SLEEP, image=linked, env={"A": "1"}, **QUICK)
    assert {mount["Destination"]: mount["Name"] for mount in shape["Mounts"]} == kept


def test_odd_words(empty_host, busybox, tmp_path_factory):
    """Unreadable settings are reported at load; the container can be started, stopped, replaced and shown."""
    host = empty_host
    archive = write_archive(tmp_path_factory.mktemp("odd") / "odd.tar", "localhost/odd:1", [busybox], **ODD)
    with host.open() as engine:
        told = load(engine, str(archive)).warnings
    words = ("STOPSIGNAL", "ENV", "HEALTHCHECK", "EXPOSE", "VOLUME")
    assert all(any(word in text for text in told) for word in words)
    assert all(text.startswith("image localhost/odd:1: ") for text in told)
    script = "echo $TWICE $(pwd) $(id -u); trap 'exit 7' TERM; while :; do sleep 0.02; done"
    host.start("sh", "-c", script, image="localhost/odd:1")
    host.said("2 /home/app 1000")
    host.bring("box", "stopped", stop_time=20)
    assert host.inspect()["State"]["ExitCode"] == 7
    host.start(*SLEEP, image="localhost/odd:1", **QUICK)
    host.start(*SLEEP, image="localhost/odd:1", env={"A": "1"}, **QUICK)
    with host.open(read_only=True) as engine:
        assert len(info.containers(engine).result["containers"]) == 1
        assert info.images(engine, ["localhost/odd:1"]).result["images"][0]["Config"]["StopSignal"] == ""
    host.bring("box", "absent")
    assert host.inspect() == {}
