# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from _engine.errors import InUse, NameInUse, NotFound
from _engine.frozen import replace
from _engine.model.volume.spec import Populated, VolumeSpec
from _engine.state import containers, volumes


def test_a_record_comes_back_as_it_was(connection, volume):
    """Every field survives storing."""
    bare = volume("a")
    spec = VolumeSpec("b", labels={"tier": "db", "Ü": ""}, driver="local", options={"type": "tmpfs"})
    owners = {"uids": [[0, 100000, 65536]], "gids": []}
    others = (("/etc", "conf", None), ("/srv", "", owners))
    populated = Populated("sha256:1", "/data", 3, 2**40, 2**62, "sub/path", owners, others)
    full = volume(
        "b", spec=spec, anonymous=True, needs_copy_up=False, populated=populated, removing=True, mounted=True
    )
    volumes.insert(connection, full)
    volumes.insert(connection, bare)
    assert volumes.get(connection, "b") == full
    assert volumes.get(connection, "c") is None
    assert volumes.all(connection) == (bare, full)


def test_names(connection, volume):
    """A volume that is being removed is not among the names, and other columns are not read."""
    volumes.insert(connection, volume("a"))
    volumes.insert(connection, volume("b", removing=True))
    connection.execute("UPDATE volumes SET labels = 'damaged'")
    assert volumes.names(connection) == {"a"}


def test_update(connection, volume):
    """An update replaces the row; without a row, it is an error."""
    record = volume("a")
    volumes.insert(connection, record)
    changed = replace(record, needs_copy_up=False, spec=VolumeSpec("a", labels={"x": "y"}))
    volumes.update(connection, changed)
    assert volumes.get(connection, "a") == changed
    with pytest.raises(NotFound):
        volumes.update(connection, volume("b"))


def test_a_name_belongs_to_one(connection, volume):
    """A second volume with the same name is refused."""
    volumes.insert(connection, volume("a"))
    with pytest.raises(NameInUse) as caught:
        volumes.insert(connection, volume("a", created=2))
    assert caught.value.fields == {"name": "a"}
    assert volumes.get(connection, "a").created == 1


def test_a_used_volume_keeps_its_row(connection, volume, container):
    """Deleting a used volume is refused, naming its containers; deleting it again does nothing."""
    volumes.insert(connection, volume("a"))
    containers.insert(connection, container("c", volumes={"/d": "a"}))
    assert volumes.users(connection, "a") == (("c" * 64, "web"),)
    with pytest.raises(InUse) as caught:
        volumes.delete(connection, "a")
    assert caught.value.fields == {"name": "a", "users": ["web"]}
    containers.delete(connection, "c" * 64)
    volumes.delete(connection, "a")
    volumes.delete(connection, "a")
    assert volumes.all(connection) == ()
