# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import threading
import time

import pytest

from _engine.agent.settled import nothing_is_left
from _engine.kernel.locks import lock
from _engine.kernel.process import Process
from _engine.model.container.spec import ContainerSpec
from _engine.model.engine.layout import Layout
from _engine.model.engine.record import ProcessId
from _engine.state import containers
from _engine.state.database import open_database

ID = "a" * 64
ME = Process.of(os.getpid())
RUNS, ENDED = ProcessId(ME.pid, ME.start_time), ProcessId(ME.pid, ME.start_time + 1)
REMOVED_AT_ITS_END = ContainerSpec(name="web", image="i", rm=True)


@pytest.fixture
def layout(tmp_path):
    """Return an engine's paths, with the directories for a database and a lock."""
    made = Layout(f"{tmp_path}/root?#%", f"{tmp_path}/run")
    for path in (made.root, made.locks):
        os.makedirs(path)
    return made


@pytest.fixture
def saved(layout, container):
    """Save a container with these values."""

    def save(**fields):
        with open_database(layout.database) as database, database.transaction() as connection:
            containers.insert(connection, container("a", **fields))

    return save


@pytest.mark.parametrize(
    ("fields", "settled"),
    [
        ({"status": "exited"}, True),
        ({"status": "exited", "intent": "start"}, False),
        ({"status": "exited", "restart_at": 1}, False),
        ({"status": "exited", "spec": REMOVED_AT_ITS_END}, False),
        ({"status": "running", "process": RUNS}, True),
        ({"status": "running", "process": RUNS, "intent": "still"}, False),
        ({"status": "running", "process": ENDED}, False),
        ({"status": "running"}, False),
        ({"status": "paused", "process": RUNS}, False),
        ({"status": "stopped"}, False),
        ({"status": "created"}, False),
        ({"status": "configured"}, False),
        ({"status": "removing", "intent": "remove"}, False),
    ],
)
def test_what_is_left_after_an_end(layout, saved, fields, settled):
    """Nothing is left to do for a container that was cleaned up and will not restart, or runs again; all others need cleanup."""
    saved(**fields)
    assert nothing_is_left(layout, ID) is settled


def test_a_container_that_is_gone(layout, saved):
    """Nothing is left to do for a removed container, and no lock is created for it."""
    saved(status="stopped")
    assert nothing_is_left(layout, "b" * 64)
    assert os.listdir(layout.locks) == []


def test_in_doubt(layout):
    """An invalid ID and a missing or invalid database are left to the full cleanup; no file is created."""
    assert not nothing_is_left(layout, ID)
    assert os.listdir(layout.root) == []
    with open(layout.database, "wb") as file:
        file.write(b"no database" * 1000)
    assert not nothing_is_left(layout, ID)
    assert not nothing_is_left(layout, "../../../etc/passwd")


def test_it_waits_for_the_holder_of_the_lock(layout, saved):
    """The check waits for a process that stops the container, and uses its result."""
    saved(status="stopped")
    found = []
    with lock(layout.lock("container", ID), timeout=0, what="stop", rank=1):
        asking = threading.Thread(target=lambda: found.append(nothing_is_left(layout, ID)))
        asking.start()
        time.sleep(0.05)
        assert found == []
        with open_database(layout.database) as database, database.transaction() as connection:
            connection.execute("UPDATE containers SET status = 'exited'")
    asking.join()
    assert found == [True]
