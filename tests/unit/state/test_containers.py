# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sqlite3

import pytest

from _engine.errors import NameInUse, NotFound, StateCorrupt
from _engine.frozen import replace
from _engine.model.container.spec import ContainerSpec
from _engine.model.engine.record import ProcessId
from _engine.state import containers, volumes


def test_a_record_comes_back_as_it_was(connection, container, volume):
    """Every field survives storing, including unknown values."""
    volumes.insert(connection, volume("data"))
    bare = container("a")
    spec = ContainerSpec.parse(
        {"name": "full", "image": "i", "network": ["none"], "volume": ["data:/d"], "memory": "1g"}
    )
    full = container(
        "b",
        spec=spec,
        image_id="sha256:1",
        status="exited",
        intent="remove",
        process=ProcessId(10, 2**40),
        monitor=ProcessId(11, 7),
        started=2**62,
        finished=5,
        exit_code=0,
        oom_killed=True,
        stopped_by_user=True,
        restart_count=3,
        error="crun: no such file",
        runtime="/usr/bin/crun",
        volumes={"/d": "data", "/other": "data"},
        images={"/i": "sha256:2"},
        given={"/d": "7:8 64769:12"},
    )
    for record in (bare, full):
        containers.insert(connection, record)
        assert containers.get(connection, record.id) == record
    assert containers.all(connection) == (bare, full)


def test_update_saves_everything(connection, container, volume):
    """An update replaces state, name and volumes."""
    volumes.insert(connection, volume("old"))
    volumes.insert(connection, volume("new"))
    record = container("a", volumes={"/x": "old", "/y": "old"}, process=ProcessId(1, 1))
    containers.insert(connection, record)
    changed = replace(record, spec=replace(record.spec, name="renamed"), process=None, volumes={"/x": "new"})
    containers.update(connection, changed)
    assert containers.by_name(connection, "renamed") == changed
    assert containers.by_name(connection, "web") is None
    assert containers.using_volume(connection, "old") == ()


def test_a_name_belongs_to_one(connection, container):
    """A second container with the same name is refused, naming the owner; so is a rename to it."""
    containers.insert(connection, container("a"))
    containers.insert(connection, container("b", name="db"))
    for refused in (
        lambda: containers.insert(connection, container("c")),
        lambda: containers.update(connection, container("b", name="web")),
    ):
        with pytest.raises(NameInUse) as caught:
            refused()
        assert caught.value.fields == {"name": "web", "id": "a" * 64}
    assert containers.names(connection) == {"web": "a" * 64, "db": "b" * 64}


def test_names_differ_by_case(connection, container):
    """``web`` and ``Web`` are two names."""
    containers.insert(connection, container("a", name="web"))
    containers.insert(connection, container("b", name="Web"))
    assert containers.by_name(connection, "Web").id == "b" * 64


def test_an_update_of_a_removed_container_is_told(connection, container):
    """Updating a container without a row is an error."""
    with pytest.raises(NotFound):
        containers.update(connection, container("a"))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("web", "web"),
        ("a" * 64, "web"),
        ("a" * 12, "web"),
        ("a" * 11, None),
        ("a" * 13, None),
        ("a" * 63, None),
        ("A" * 12, None),
        ("a", None),
        ("b" * 12, None),
        ("b" * 64, "one"),
        ("bb", "bb"),
        ("c" * 12, "c" * 12),
        ("c" * 64, "after"),
        ("", None),
        ("%", None),
        ("WEB", None),
        ("nothing", None),
    ],
)
def test_find(connection, container, asked, found):
    """A container is found by its 64 digits, then by its name, then by the first 12 digits if they are unique."""
    containers.insert(connection, container("a"))
    containers.insert(connection, container("b", name="one", created=2))
    containers.insert(connection, container("b", id="b" * 63 + "c", name="bb", created=3))
    containers.insert(connection, container("c", name="after", created=4))
    containers.insert(connection, container("d", name="c" * 12, created=5))
    containers.insert(connection, container("e", name="c" * 64, created=6))
    record = containers.find(connection, asked)
    assert (record and record.name) == found


def test_users_of_volume_and_image(connection, container, volume):
    """The containers that use a volume or an image are returned once, with ID and name."""
    volumes.insert(connection, volume("data"))
    containers.insert(
        connection, container("b", name="b", image_id="i", volumes={"/1": "data", "/2": "data"})
    )
    containers.insert(connection, container("a", name="a", image_id="i"))
    containers.insert(connection, container("c", name="c", image_id="other", volumes={"/1": "data"}))
    assert containers.using_volume(connection, "data") == (("b" * 64, "b"), ("c" * 64, "c"))
    assert containers.using_image(connection, "i") == (("a" * 64, "a"), ("b" * 64, "b"))
    containers.insert(connection, container("d", name="d", image_id="other", images={"/i": "ii", "/j": "i"}))
    assert [name for _id, name in containers.using_image(connection, "i")] == ["a", "b", "d"]


def test_delete_frees_name_and_volumes(connection, container, volume):
    """A deleted container leaves nothing behind; deleting it again does nothing."""
    volumes.insert(connection, volume("data"))
    containers.insert(connection, container("a", volumes={"/d": "data"}))
    containers.delete(connection, "a" * 64)
    containers.delete(connection, "a" * 64)
    assert connection.execute("SELECT count(*) FROM container_volumes").fetchone()[0] == 0
    containers.insert(connection, container("b"))


def test_a_volume_without_a_row_is_refused(connection, container):
    """A container with a volume that does not exist cannot be saved."""
    with pytest.raises(sqlite3.IntegrityError):
        containers.insert(connection, container("a", volumes={"/d": "nobody's"}))


@pytest.mark.parametrize("spec", ["{", "5", '{"mounts": 5}'])
def test_a_spoilt_row_is_named(connection, container, spec):
    """A row that cannot be decoded is StateCorrupt with table and key."""
    containers.insert(connection, container("a"))
    connection.execute("UPDATE containers SET spec = ?", (spec,))
    with pytest.raises(StateCorrupt) as caught:
        containers.all(connection)
    assert caught.value.fields == {"table": "containers", "key": "a" * 64}
