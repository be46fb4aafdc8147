# SPDX-License-Identifier: GPL-3.0-or-later
"""Renaming a container."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption, NameInUse, NotFound
from _engine.lifecycle.container.rename import rename
from _engine.lifecycle.converge.container import converge
from _engine.lifecycle.converge.request import Request
from _engine.state import events


@pytest.fixture
def call(host):
    """Return the function that renames a container."""

    def call(old, new):
        with host.open() as engine:
            return rename(engine, host.record(old), new)

    return call


def test_renamed_while_it_runs(host, call):
    """The container is found, stopped and removed by its new name, which is also in its hosts file."""
    before = host.start(
        "sh", "-c", "trap 'cat /etc/hosts; exit' TERM; echo ready; while :; do sleep 0.02; done"
    )
    host.said("ready")
    record = call("box", "crate")
    assert (record.id, host.inspect("box")) == (before["Id"], {})
    after = host.inspect("crate")
    assert (after["Name"], after["State"]["Pid"]) == ("crate", before["State"]["Pid"])
    assert host.bring("crate", "started").actions == ()
    host.bring("crate", "stopped")
    said = host.log("crate")[0]
    assert "crate\n" in said
    assert "box\n" not in said
    with host.open(read_only=True) as engine, engine.database.reading() as connection:
        told = [event for event in events.read(connection) if event.action == "rename"][-1]
    assert (told.name, told.attributes) == ("crate", {"old_name": "box"})


def test_the_old_name_is_free(host, call):
    """Another container can take the old name; the first gets it back only once it is free."""
    host.want("created", "sleep", "1000")
    call("box", "crate")
    host.want("created", "sleep", "1000")
    before = host.picture()
    with pytest.raises(NameInUse) as caught:
        call("crate", "box")
    assert caught.value.fields["id"] == host.record("box").id
    assert host.picture() == before
    assert call("crate", "crate").name == "crate"


@pytest.mark.parametrize("digits", [12, 64])
def test_an_id_of_another_is_no_name(host, call, digits):
    """A container's full id is refused as a name, in check mode too; other digits are allowed."""
    host.want("created", "sleep", "1000")
    host.want("created", "sleep", "1000", name="other")
    name, before = host.record("box").id[:digits], host.picture()
    for act in (
        lambda: call("other", name),
        lambda: call("box", name),
        lambda: host.want("created", "sleep", "1000", name=name),
    ):
        with pytest.raises(NameInUse, match="is the ID of container box"):
            act()
    with host.open(read_only=True) as engine, pytest.raises(NameInUse):
        converge(engine, Request(name, "created", host.spec("sleep", "1000", name=name)), None)
    assert host.picture() == before
    host.want("created", "sleep", "1000", name="f" * digits)
    assert host.inspect("f" * digits)["Name"] == "f" * digits


@pytest.mark.parametrize("name", ["", "-x", "a/b", "a b", "x" * 256])
def test_what_is_no_name(host, call, name):
    """An invalid name is refused, and nothing changes."""
    host.want("created", "sleep", "1000")
    before = host.picture()
    with pytest.raises(InvalidOption):
        call("box", name)
    assert host.picture() == before


def test_gone_meanwhile(host, call):
    """A rename of a container that was removed or renamed meanwhile is refused."""
    host.want("created", "sleep", "1000")
    known = host.record()
    host.bring("box", "absent")
    with host.open() as engine, pytest.raises(NotFound):
        rename(engine, known, "crate")
