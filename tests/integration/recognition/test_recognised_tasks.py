# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tasks are recognised, in which states of the container, and what becomes of them in a play."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from pathlib import Path

import pytest
from ansible_collections.slipway.oci.plugins.module_utils._engine.lifecycle.recognition import look
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.container.health import (
    Health,
    Result,
)
from ansible_collections.slipway.oci.plugins.module_utils._engine.runtime import apparmor, healthfile
from bothways import BASE, SLEEP

from _engine.frozen import replace
from _engine.lifecycle.core.engine import LOCK_TIMEOUT

STATES = {
    "created": ("created", "present", "stopped"),
    "started": ("started", "present", "created"),
    "paused": ("paused", "present"),
    "stopped": ("stopped", "present"),
}


@pytest.mark.parametrize("state", STATES)
def test_states(ways, lent, state):
    """In each state that a container can simply be in the tasks that ask for no more are recognised."""
    lent.bring("box", "absent")
    ways(**SLEEP, state="created" if state == "created" else "started").whole()
    ways(name="box", state=state).whole()
    for asked in STATES[state]:
        for options in (SLEEP, {"name": "box"}):
            task = ways(**options, state=asked)
            assert not task.whole()["changed"]
            assert task.recognised_from_now_on()
            assert ways(engine="other", **options, state=asked).both_recalled() == [None, None]


@pytest.mark.parametrize(
    "options",
    [
        {**SLEEP, "state": "restarted"},
        {**SLEEP, "state": "paused", "detach": False},
        {**SLEEP, "recreate": True},
        {**SLEEP, "force_restart": True},
        {"name": "box", "state": "started", "env": {"A": "b"}},
        {"name": "none", "state": "absent"},
    ],
    ids=["restarted", "run once", "recreate", "force restart", "not applied", "absent"],
)
def test_others_go_the_whole_way(ways, options):
    """What does something at each task, or has something to say, is not recognised."""
    ways(**SLEEP, state="started").whole()
    task = ways(**options)
    for _each in range(2):
        task.whole()
        assert task.both_recalled() == [None, None]


def test_a_container_that_another_has_a_part_in(ways, lent):
    """A container in another one's namespace is never recognised: what that is called may change."""
    ways(**{**BASE, "name": "one"}, state="created").whole()
    task = ways(**{**BASE, "network": "container:one"}, state="created")
    while task.whole()["changed"]:
        pass
    assert task.both_recalled() == [None, None]
    lent.bring("box", "absent")


def test_another_name_of_the_image(ways, lent):
    """A task that calls the image by another of its names is recognised, and check mode shows the container as it is, too."""
    ways(**SLEEP, state="started").whole()
    other = ways(**{**SLEEP, "image": "localhost/more:1"}, state="started")
    with lent.database() as database, database.transaction() as connection:
        of = "FROM image_names WHERE name = 'localhost/app:1'"
        connection.execute(f"INSERT INTO image_names SELECT 'localhost/more:1', image_id {of}")
    try:
        assert not other.whole(check=True)["changed"]
        assert other.recognised_from_now_on()
        assert other.recalled()["spec"]["image"] == "localhost/app:1"
    finally:
        with lent.database() as database, database.transaction() as connection:
            connection.execute("DELETE FROM image_names WHERE name = 'localhost/more:1'")


@pytest.mark.parametrize("how", [{"wait": True}, {"state": "healthy"}], ids=["wait", "healthy"])
def test_one_that_waits(ways, lent, how):
    """A task that waits for what is ready already is recognised; one that may have to wait is not, whatever the clock says."""
    lent.bring("box", "absent")
    task = ways(**{**SLEEP, "state": "started", **how})
    assert task.recognised_from_now_on()
    for started in (time.time_ns() + 10**12, time.time_ns()):
        with lent.database() as database, database.transaction() as connection:
            connection.execute("UPDATE containers SET started = ? WHERE name = 'box'", (started,))
        assert task.both_recalled() == [None, None]
        task.whole()
        assert (task.recalled() is None) is (started > time.time_ns())
    assert task.recognised_from_now_on()


@pytest.fixture
def unchecked_by_itself(ways, lent):
    """Return two tasks of a container that nobody checks but the test, one of which waits, and where its health is kept."""
    check = {"healthcheck": "true", "healthcheck_interval": "disable"}
    task, waits = (ways(**SLEEP, **check, state=state) for state in ("started", "healthy"))
    task.whole()
    return task, waits, lent.layout.container(lent.inspect()["Id"])


def test_health(unchecked_by_itself):
    """The health of now is in the result; a task that waits is recognised by what is healthy alone."""
    task, waits, place = unchecked_by_itself
    run = healthfile.read(place).run
    healthy = Health(run, "healthy", log=(Result(1, 2, 0, "fine"),))
    healthfile.write(place, healthy)
    assert waits.recognised_from_now_on()
    assert task.recognised_from_now_on()
    for health in (
        replace(healthy, failing_streak=2),
        replace(healthy, log=(Result(3, 4, 0, "fine"),)),
        replace(healthy, status="unhealthy"),
        replace(healthy, status="starting", log=()),
    ):
        healthfile.write(place, health)
        assert task.both_recalled() == [task.whole()] * 2
        assert task.recalled()["container"]["State"]["Health"]["Status"] == health.status
        assert [one is None for one in waits.both_recalled()] == [health.status != "healthy"] * 2
    healthfile.write(place, replace(healthy, run=run - 1))
    assert task.both_recalled() == [None, None]
    os.unlink(place.health)
    assert task.both_recalled() == [None, None]
    assert task.whole()["container"]["State"]["Health"]["Status"] == "starting"
    assert task.recognised_from_now_on()


def test_who_checks_health_is_told(ways, lent):
    """A task is recognised where somebody checks its container's health; where nobody does, the whole way sees to it."""
    task = ways(**SLEEP, healthcheck="true", healthcheck_interval="1h", state="healthy")
    assert task.recognised_from_now_on()
    socket = lent.layout.health_socket
    os.rename(socket, f"{socket}.away")
    try:
        recalled, checked = task.both_recalled()
    finally:
        os.rename(f"{socket}.away", socket)
    assert (recalled, checked) == (None, task.whole(check=True))
    assert task.recognised_from_now_on()


def test_confined_by_apparmor(ways, lent, tmp_path, monkeypatch):
    """Where the kernel confines containers, one that does not run goes the whole way, which looks at the profiles."""
    lent.bring("box", "absent")
    enabled, profiles = tmp_path / "enabled", tmp_path / "profiles"
    for module, name in ((look, "_APPARMOR"), (apparmor, "_ENABLED")):
        monkeypatch.setattr(module, name, str(enabled))
    for module in (look, apparmor):
        monkeypatch.setattr(module, "_PROFILES", str(profiles))
    task = ways(**SLEEP, state="created")
    assert task.recognised_from_now_on()
    enabled.write_text("Y\n")
    assert task.both_recalled() == [task.whole()] * 2
    profiles.write_text("slipway-default-1 (enforce)\n")
    assert task.both_recalled() == [None, None]
    assert task.whole()["container"]["AppArmorProfile"] == "slipway-default-1"
    assert task.both_recalled() == [None, None]


def test_what_is_kept(ways, lent):
    """Results are root's alone; a few are kept of a container, none of a prediction, and none while its lock is held."""
    lent.bring("box", "absent")
    ways(**SLEEP, state="started").whole()
    place = lent.layout.container(lent.inspect()["Id"])
    ways(name="box", state="present").whole(check=True)
    assert not os.path.exists(place.results)
    tasks = [ways(name="box", state="started", wait_timeout=number) for number in range(12)]
    for task in tasks:
        task.whole()
        assert task.recalled() is not None
        kept = [place.results, *(entry.path for entry in os.scandir(place.results))]
        assert len(kept) <= 9
        assert {stat.S_IMODE(os.stat(path).st_mode) & 0o77 for path in kept} == {0}
    path = lent.layout.lock("container", place.id)
    with open(path, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        task, began = ways(name="box", state="started", wait_timeout=99), time.monotonic()
        assert (task.whole()["changed"], task.recalled()) == (False, None)
        assert time.monotonic() - began < LOCK_TIMEOUT / 2
        os.unlink(path)
    assert task.recognised_from_now_on()


def test_a_container_without_its_run_directory(ways, lent):
    """Nothing is kept, and nothing made, of a container whose run directory is gone."""
    lent.bring("box", "absent")
    task = ways(**SLEEP, state="created")
    assert task.recognised_from_now_on()
    run = Path(lent.layout.container(lent.inspect()["Id"]).run)
    os.rename(run, f"{run}.away")
    try:
        assert (task.whole()["changed"], task.recalled(), run.exists()) == (False, None, False)
    finally:
        os.rename(f"{run}.away", run)


def test_a_play(node, archive):
    """In a play an unchanged task is recognised, with --check and --diff too, and only timings tell it from the whole way."""
    node.load(archive)
    task = {"slipway.oci.container": {**SLEEP, "env": {"SECRET": "x"}}}
    other = {"slipway.oci.container": {**SLEEP, "env": {"SECRET": "y"}}, "check_mode": True}
    hows = {"check": {"check_mode": True}, "diff": {"diff": True}, "both": {"check_mode": True, "diff": True}}
    play = node.play(
        *({"name": name, **task} for name in ("made", "whole", "quick")),
        *({"name": name, **task, **how} for name, how in hows.items()),
        {"name": "other", **other},
        {"name": "removed", "slipway.oci.container": {"name": "box", "state": "absent"}},
        {"name": "foreseen", **task, "check_mode": True},
    )
    assert (play.failed, play.changed) == ([], ["made", "other", "removed", "foreseen"])
    whole = dict(play["whole"])
    assert "recognise" not in {*play["made"]["timings"], *whole.pop("timings"), *play["other"]["timings"]}
    for name in ("quick", *hows):
        result = dict(play[name])
        assert [*result.pop("timings")] == ["recognise"]
        shown = "x" if hows.get(name, {}).get("diff") else None
        assert json.dumps(result) == json.dumps(
            {**whole, "spec": {**whole["spec"], "env": {"SECRET": shown}}}
        )
