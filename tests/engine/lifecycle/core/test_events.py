# SPDX-License-Identifier: GPL-3.0-or-later
"""The events of a container's life, and how they are read."""

from __future__ import annotations

import json
import subprocess
import threading
import time

import pytest

from _engine.errors import EngineError
from _engine.lifecycle.container.rename import rename
from _engine.lifecycle.core import events
from _engine.model.engine.event_query import EventQuery
from enginehost import eventually, failing_hook


def test_a_life_in_events(host):
    """Each step of a life is recorded once and in order, under libpod's names."""
    host.start("sleep", "1000", stop_signal="KILL", name="life")
    for state in ("paused", "started", "stopped", "absent"):
        host.bring("life", state)
    told = host.events("life")
    # Conmon's call or the verb may clean up first; each records its own part.
    told.remove("stop")
    assert told == [
        *("create", "mount", "init", "start", "pause", "unpause"),
        *("died", "unmount", "cleanup", "remove"),
    ]


def test_a_start_that_fails_tells_of_its_undoing(host, tmp_path):
    """What was mounted is unmounted, and both events are recorded."""
    with pytest.raises(EngineError):
        host.start("true", name="dead", hooks_dir=failing_hook(tmp_path))
    told = host.events("dead")
    assert told[:1] == ["create"]
    assert told.count("mount") == told.count("unmount")
    assert "start" not in told


def test_following_sees_each_event_once(host):
    """A follower gets past events, and then each new one as it happens, until the time is over."""
    since = time.time_ns()
    host.want("created", "sleep", "1000")
    seen, until = [], time.time_ns() + 15 * 10**9

    def follow():
        query = EventQuery(since, until, filters=(("type", "container"),))
        with host.open() as engine:
            seen.extend((event.action, event.name) for event in events.follow(engine, query))

    thread = threading.Thread(target=follow)
    thread.start()
    eventually(lambda: ("create", "box") in seen, "what was")
    with host.open() as engine:
        rename(engine, host.record(), "crate")
        rename(engine, host.record("crate"), "chest")
    eventually(lambda: ("rename", "chest") in seen, "what came")
    thread.join(60)
    assert seen == [("create", "box"), ("rename", "crate"), ("rename", "chest")]


def test_following_sleeps(host):
    """A following process uses no CPU time while nothing happens."""
    host.want("created", "sleep", "1000")
    argv = [host.layout.agent_program, "events", "--follow", "--json", "--limit", "1"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert json.loads(process.stdout.readline())["Status"] == "create"
            eventually(lambda: _ticks(process.pid, pause=1.0) == 0, "asleep")
            with host.open() as engine:
                rename(engine, host.record(), "crate")
            assert json.loads(process.stdout.readline())["Attributes"] == {"old_name": "box"}
        finally:
            process.terminate()


def _ticks(pid, *, pause):
    """Return how many clock ticks of CPU time the process uses in that time."""

    def read():
        with open(f"/proc/{pid}/stat", encoding="ascii") as stream:
            fields = stream.read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = read()
    time.sleep(pause)
    return read() - before


def test_the_program_tells_what_is_asked_for(host):
    """Filters, times and a limit select events; an invalid one is refused with 2."""
    host.start("true", name="brief")
    host.ended("brief")

    def ask(*words):
        argv = [host.layout.agent_program, "events", *words]
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)

    found = json.loads(ask("--json", "-f", "event=died", "-f", "container=brief", "--since", "1h").stdout)
    assert [(one["Name"], one["Status"], one["Attributes"]) for one in found] == [
        ("brief", "died", {"exit_code": "0"})
    ]
    assert json.loads(ask("--json", "--until", "1h").stdout) == []
    assert len(json.loads(ask("--json", "--limit", "2").stdout)) == 2
    assert "exit_code=0" in ask("-f", "container=brief").stdout
    wrong = ask("--filter", "colour=red")
    assert (wrong.returncode, "container, volume, image" in wrong.stderr) == (2, True)
