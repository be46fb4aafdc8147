# SPDX-License-Identifier: GPL-3.0-or-later
"""Dependencies without a task: at a restart by policy, for a person, at boot and shutdown of the host."""

from __future__ import annotations

import signal

import pytest
from powercut import reboot

from _engine.errors import WrongState
from _engine.kernel.process import Process
from enginehost import eventually

SLEEP = ("sleep", "1000")


def running(host) -> set[str]:
    """Return the names of the running containers."""
    return {
        name for name in ("db", "cache", "app", "web") if host.inspect(name).get("State", {}).get("Running")
    }


def stack(host) -> None:
    """Create web, which needs app and cache, and app, which needs db; none of them runs."""
    host.want("created", *SLEEP, name="db")
    host.want("created", *SLEEP, name="cache")
    host.want("created", *SLEEP, name="app", requires=["db"])
    host.want("created", *SLEEP, name="web", requires=["app", "cache"])


def test_force_is_refused_before_anything_is_stopped(host):
    """``slipway rm --force`` of a container that others need is refused, and leaves it running."""
    stack(host)
    host.bring("web", "started")
    told = host.agent("rm", "--force", "db")
    assert told.returncode == 125
    assert "db is needed by app, web" in told.stderr
    assert running(host) == {"db", "app", "cache", "web"}


def test_a_paused_container_is_in_the_way(host):
    """A paused dependency does not run and can't be started: the start is refused with that reason."""
    host.start(*SLEEP, name="db")
    host.bring("db", "paused")
    with pytest.raises(WrongState, match=r"db \(paused\), which can.t be started. Unpause"):
        host.want("started", *SLEEP, name="web", requires=["db"])
    assert host.inspect("web") == {}


def test_restart_waits_for_what_it_needs(host):
    """A restart by policy waits, without counting, while a dependency does not run, and then follows."""
    host.start(*SLEEP, name="db", stop_timeout=0)
    host.start(*SLEEP, name="web", requires=["db"], restart_policy="on-failure:1")
    host.bring("db", "stopped")
    process = Process(*host.record("web").process)
    process.signal(signal.SIGKILL)
    eventually(lambda: "it needs db" in host.record("web").error, "it waits")
    assert host.inspect("web")["RestartCount"] == 0
    host.bring("db", "started")
    eventually(lambda: host.inspect("web")["State"]["Status"] == "running", "restarted", timeout=60)
    assert host.inspect("web")["RestartCount"] == 1


def test_a_person_starts_what_is_needed(host):
    """``slipway start`` starts the container's dependencies first, as podman does."""
    stack(host)
    told = host.agent("start", "web")
    assert (told.returncode, told.stdout, told.stderr) == (0, "web\n", "")
    assert running(host) == {"db", "app", "cache", "web"}


def test_boot_follows_the_graph(host):
    """A boot starts dependencies first, but neither what its user stopped nor what depends on that."""
    stack(host)
    for name in ("web", "app"):
        requires = {"web": ["app", "cache"], "app": ["db"]}[name]
        host.want("created", *SLEEP, name=name, requires=requires, restart_policy="always")
    host.bring("web", "started")
    reboot(host)
    assert host.agent("boot").stdout.splitlines() == [
        f"started {name}" for name in ("db", "app", "cache", "web")
    ]
    host.bring("db", "stopped", stop_time=0)
    reboot(host)
    told = host.agent("boot")
    assert told.stdout.splitlines() == ["started cache"]
    assert told.returncode == 1
    assert "could not start app: it needs db, not running" in told.stderr
    assert "could not start web: it needs app, not running" in told.stderr


def test_shutdown_ends_users_first(host):
    """A shutdown stops dependents before their dependencies."""
    stack(host)
    for name in ("db", "cache", "app", "web"):
        host.want(
            "created", *SLEEP, name=name, stop_timeout=0, requires=list(host.record(name).spec.requires or ())
        )
    host.bring("web", "started")
    assert host.agent("shutdown").returncode == 0
    finished = {name: host.record(name).finished for name in ("db", "cache", "app", "web")}
    assert finished["web"] < finished["app"] < finished["db"]
    assert finished["web"] < finished["cache"]
