# SPDX-License-Identifier: GPL-3.0-or-later
"""A volume's content is replaced in one step, never under a running container, and the old is kept."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from _engine.errors import InUse
from _engine.kernel.staging import staging
from _engine.lifecycle.volume import kept_snapshots, replace
from _engine.volumes import snapshots as kept

FOREVER = ("sleep", "1000")
#: For tests without containers, which need only one runtime.
ONE = pytest.mark.parametrize("runtime", ["crun"], indirect=True)


@pytest.fixture
def volume(host):
    """Return the directory of a volume with a file and another owner."""
    host.volume("data")
    data = host.data("data")
    data.joinpath("file").write_text("old")
    os.chown(data, 1234, 1234)
    data.chmod(0o2770)
    return data


@ONE
def test_kept(host, volume):
    """The old content is a snapshot, and the volume is empty, with the same owner and mode."""
    inode = volume.stat().st_ino
    with host.open() as engine, replace.held(engine, "data", "test"):
        name = kept_snapshots.keep(engine, "data", "before-test")
    [found] = kept.read(host.layout.volume("data"))
    assert (found.name, found.reason, found.entries) == (name, "before-test", None)
    old = volume.parent / "snapshots" / name / "data"
    assert (old.joinpath("file").read_text(), old.stat().st_ino) == ("old", inode)
    assert os.listdir(volume) == []
    assert (volume.stat().st_uid, volume.stat().st_mode & 0o7777) == (1234, 0o2770)
    assert sorted(os.listdir(volume.parent)) == [".staging", "data", "snapshots"]


def test_not_under_a_container_that_runs(host, volume):
    """A running container prevents the replacement, and is named."""
    host.start(*FOREVER, volume=["data:/data"], stop_timeout=0)
    with (
        host.open() as engine,
        pytest.raises(InUse, match="running containers that would keep the old content: box"),
        replace.held(engine, "data", "test"),
    ):
        pass
    host.bring("box", "stopped")
    with host.open() as engine, replace.held(engine, "data", "test"):
        kept_snapshots.keep(engine, "data", "before-test")
    assert os.listdir(volume) == []


def test_a_container_that_came_meanwhile(host, volume):
    """A container created and started during the check is found before the exchange."""
    options = {"volume": ["data:/data"], "stop_timeout": 0}
    host.start(*FOREVER, **options)
    host.bring("box", "absent")  # from now on a start does not take the volume's lock
    with (
        host.open() as engine,
        replace.held(engine, "data", "test"),
        staging(host.layout.staging) as (top, _fd),
    ):
        kept_snapshots.empty_like(str(volume), f"{top}/content/data")
        with ThreadPoolExecutor() as pool:
            pool.submit(host.start, *FOREVER, **options).result()
        with pytest.raises(InUse, match="running containers that would keep the old content: box"):
            replace.put(engine, "data", f"{top}/content", keep=None, origin=None)
    assert os.listdir(volume) == ["file"]
    assert os.listdir(volume.parent) == ["data"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_start_ends_what_was_killed(host, volume, when):
    """A start settles a killed exchange: it discards one that has not happened, and finishes another."""
    from _engine.volumes import exchange

    with host.open() as engine, staging(host.layout.staging) as (top, _fd):
        kept_snapshots.empty_like(str(volume), f"{top}/content/data")
        snapshot = kept_snapshots.fresh(engine, "data", "before-test")
        exchange.prepare(f"{top}/content", keep=snapshot, origin=None)
        pending = exchange.begin(str(volume.parent), f"{top}/content")
        if when == "after":
            exchange.exchange(str(volume.parent), pending)
    host.start(*FOREVER, volume=["data:/data:nocopy"], stop_timeout=0)
    assert os.listdir(volume) == (["file"] if when == "before" else [])
    assert sorted(os.listdir(volume.parent)) == (["data"] if when == "before" else ["data", "snapshots"])
    assert [one.name for one in kept.read(str(volume.parent))] == (
        [] if when == "before" else [snapshot.name]
    )
