# SPDX-License-Identifier: GPL-3.0-or-later
"""Dependencies: started in order, refused where that is impossible, removed in order or not at all."""

from __future__ import annotations

import pytest

from _engine.errors import InUse, InvalidOption, NotFound, WrongState

FOREVER = ("sleep", "1000")


@pytest.fixture
def chain(host):
    """Return a host with web, which needs app, which needs db; none of them runs."""
    host.want("created", *FOREVER, name="db", stop_timeout=0)
    host.want("created", *FOREVER, name="app", requires=["db"], stop_timeout=0)
    host.want("created", *FOREVER, name="web", requires=["app"], stop_timeout=0)
    yield host
    for name in ("web", "app", "db"):
        host.bring(name, "absent", stop_time=0, delete_depend=True)


def status(host, name: str) -> str:
    """Return the container's status."""
    return host.inspect(name)["State"]["Status"]


def test_start_dependencies(chain):
    """Dependencies are started first, in order; check mode says so; running ones are left alone."""
    predicted = chain.want(
        "started", *FOREVER, name="web", requires=["app"], stop_timeout=0, settings={"read_only": True}
    )
    outcome = chain.bring("web", "started")
    assert outcome.actions == ("started db", "started app", "started web")
    assert predicted.actions == outcome.actions
    assert [status(chain, name) for name in ("db", "app", "web")] == ["running"] * 3
    assert chain.inspect("web")["Dependencies"] == [chain.inspect("app")["Id"]]
    pid = chain.inspect("db")["State"]["Pid"]
    chain.bring("app", "stopped", stop_time=0)
    chain.bring("web", "stopped", stop_time=0)
    assert chain.bring("web", "started").actions == ("started app", "started web")
    assert chain.inspect("db")["State"]["Pid"] == pid


def test_what_runs_is_not_looked_behind(chain):
    """A running dependency is enough, whatever its own dependencies' state (seed: getAllDependencies)."""
    chain.bring("web", "started")
    chain.bring("db", "stopped", stop_time=0)
    chain.bring("web", "stopped", stop_time=0)
    assert chain.bring("web", "started").actions == ("started web",)


def test_a_task_tells_of_what_is_needed(chain):
    """A task's result names the container's dependencies, and so does the info module's."""
    told = chain.bring("web", "created").result["container"]
    assert told["Dependencies"] == [chain.record("app").id]
    assert told == chain.inspect("web")


def test_check_dependencies_running(chain):
    """Without start_dependencies a start is refused with the names of all that do not run."""
    before = chain.picture()
    with pytest.raises(WrongState, match="web needs db, app to be running"):
        chain.bring("web", "started", start_dependencies=False)
    assert chain.picture() == before
    chain.bring("app", "started")
    assert chain.bring("web", "started", start_dependencies=False).actions == ("started web",)


def test_unknown_dependency(host):
    """A missing container can't be needed; the similar name is reported, and nothing is created."""
    # No name with hexadecimal digits only: an id could start with it.
    host.want("created", *FOREVER, name="store")
    with pytest.raises(NotFound, match=r"'stroe'.*near: store"):
        host.want("started", *FOREVER, name="app", requires=["stroe"])
    assert host.inspect("app") == {}


def test_cycle_is_refused(chain):
    """A dependency cycle is refused, and the error shows it."""
    with pytest.raises(InvalidOption, match="db needs web needs app needs db"):
        chain.want("started", *FOREVER, name="db", requires=["web"], stop_timeout=0)
    with pytest.raises(InvalidOption, match="itself"):
        chain.want("created", *FOREVER, name="own", requires=["own"])
    assert chain.inspect("own") == {}


def test_removal_of_what_others_need(chain):
    """Removal is refused with the dependents' names; with delete_depend all go, ends of the chain first."""
    chain.bring("web", "started")
    before = chain.inspect("db")["State"]
    with pytest.raises(InUse, match="db is needed by app, web"):
        chain.bring("db", "absent", stop_time=0)
    assert chain.inspect("db")["State"] == before
    assert chain.bring("db", "absent", stop_time=0, delete_depend=True).actions == (
        "removed web",
        "removed app",
        "stopped db",
        "removed db",
    )
    assert [chain.inspect(name) for name in ("db", "app", "web")] == [{}] * 3


def test_replaced_dependency_is_needed_all_the_same(chain):
    """A recreated container keeps its dependents."""
    chain.want("created", *FOREVER, name="db", env={"NEW": "1"}, stop_timeout=0)
    with pytest.raises(InUse, match="db is needed by app, web"):
        chain.bring("db", "absent")
    assert chain.bring("web", "started").actions == ("started db", "started app", "started web")


def test_a_shared_namespace_is_a_dependency(host):
    """Sharing a namespace needs its owner, which can't be recreated while the other runs."""
    host.start(*FOREVER, name="owner", stop_timeout=0)
    host.start(*FOREVER, name="guest", ipc="container:owner", stop_timeout=0)
    with pytest.raises(InUse, match="owner is needed by guest"):
        host.bring("owner", "absent", stop_time=0)
    with pytest.raises(InUse, match="running containers share its namespaces: guest"):
        host.start(*FOREVER, name="owner", env={"NEW": "1"}, stop_timeout=0)
    host.bring("guest", "stopped", stop_time=0)
    host.bring("owner", "stopped", stop_time=0)
    assert host.bring("guest", "started").actions == ("started owner", "started guest")
    host.bring("guest", "absent", stop_time=0)
