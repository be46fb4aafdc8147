# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from _engine.errors import InUse, NameInUse, NotFound, StateCorrupt
from _engine.frozen import replace
from _engine.model.network.spec import Attached, NetworkSpec, Route, Subnet
from _engine.state import containers, networks

FULL = NetworkSpec(
    "full",
    interface="br7",
    subnets=(Subnet("10.1.0.0/24", "10.1.0.1", "10.1.0.8", "10.1.0.15"), Subnet("fd00::/64")),
    ipv6=True,
    internal=True,
    dns=False,
    dns_servers=("192.0.2.1",),
    routes=(Route("10.2.0.0/16", "10.1.0.9", 100),),
    ipam_driver="host-local",
    options={"mtu": "1400"},
    labels={"tier": "db", "Ü": ""},
)


def test_a_record_comes_back_as_it_was(connection, network):
    """Every field survives storing; several networks can have no interface."""
    full = network("b", spec=FULL, interface="br7", removing=True)
    others = [network("a", interface=""), network("c", interface="")]
    for record in (full, *others):
        networks.insert(connection, record)
    assert networks.get(connection, full.id) == full
    assert networks.by_name(connection, "full") == full
    assert networks.by_name(connection, "none") is None
    assert networks.all(connection) == (others[0], others[1], full)


def test_a_network_is_found_by_name_or_id(connection, network):
    """Names take precedence over the first 12 digits of an ID, and 64 digits over names; other lengths are only names."""
    record = network("a", spec=NetworkSpec("web"))
    named = network("b", spec=NetworkSpec("a" * 12))
    networks.insert(connection, record)
    assert [networks.find(connection, text) for text in ("web", "a" * 12, "a" * 64)] == [record] * 3
    networks.insert(connection, named)
    assert networks.find(connection, "a" * 12) == named
    assert networks.find(connection, "a" * 64) == record
    assert networks.find(connection, "a" * 13) is None


def test_update(connection, network):
    """An update replaces the row; without a row, it is an error."""
    record = network("a")
    networks.insert(connection, record)
    changed = replace(record, spec=replace(record.spec, labels={"x": "y"}), removing=True)
    networks.update(connection, changed)
    assert networks.get(connection, record.id) == changed
    with pytest.raises(NotFound):
        networks.update(connection, network("b"))


@pytest.mark.parametrize(
    ("second", "fields"),
    [
        ({"spec": NetworkSpec("a")}, {"name": "a", "owner": "a"}),
        ({"interface": "sw-a"}, {"name": "sw-a", "owner": "a"}),
    ],
)
def test_name_and_interface_belong_to_one(connection, network, second, fields):
    """A second network with the same name or interface is refused, naming the owner."""
    networks.insert(connection, network("a", interface="sw-a"))
    with pytest.raises(NameInUse) as caught:
        networks.insert(connection, network("b", **second))
    assert caught.value.fields == fields
    assert [record.name for record in networks.all(connection)] == ["a"]


def test_a_used_network_keeps_its_row(connection, network, container):
    """Deleting a network with containers is refused, naming them; deleting it again does nothing."""
    record = network("a")
    networks.insert(connection, record)
    containers.insert(connection, container("c"))
    connection.execute("INSERT INTO attachments VALUES (?, 0, ?, 'eth0', '', '{}')", ("c" * 64, record.id))
    assert networks.users(connection, record.id) == (("c" * 64, "web"),)
    with pytest.raises(InUse) as caught:
        networks.delete(connection, record.id)
    assert caught.value.fields == {"name": "a", "users": ["web"]}
    containers.delete(connection, "c" * 64)
    networks.delete(connection, record.id)
    networks.delete(connection, record.id)
    assert networks.all(connection) == ()


def test_attached_containers_are_told_in_order(connection, network, container):
    """Attached containers are returned by name, with all their addresses in this network only."""
    here, there = network("a"), network("b")
    for record in (here, there):
        networks.insert(connection, record)
    for letter, name, owner in (("c", "web", here), ("d", "db", here), ("e", "app", there)):
        containers.insert(connection, container(letter, name=name))
        values = (letter * 64, owner.id, "eth0", letter)
        connection.execute("INSERT INTO attachments VALUES (?, 0, ?, ?, ?, '{}')", values)
    for address in ("fd00::2", "10.0.0.2"):
        connection.execute("INSERT INTO leases VALUES (?, ?, ?)", (here.id, address, "c" * 64))
    assert networks.attached(connection, here.id) == (
        Attached("d" * 64, "db", "eth0", "d"),
        Attached("c" * 64, "web", "eth0", "c", ("10.0.0.2", "fd00::2")),
    )


def test_addresses_go_with_their_container(connection, network, container):
    """Deleting a container's row deletes its attachments, addresses and ports."""
    record = network("a")
    networks.insert(connection, record)
    containers.insert(connection, container("c"))
    connection.execute("INSERT INTO attachments VALUES (?, 0, ?, 'eth0', '', '{}')", ("c" * 64, record.id))
    connection.execute("INSERT INTO leases VALUES (?, '10.0.0.2', ?)", (record.id, "c" * 64))
    connection.execute("INSERT INTO ports VALUES ('tcp', '', 80, ?, 80)", ("c" * 64,))
    containers.delete(connection, "c" * 64)
    for table in ("attachments", "leases", "ports"):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0


SPEC = NetworkSpec("a").encode()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", "a"),
        ("name", "../a"),
        ("name", "other"),
        ("spec", "[]"),
        ("spec", "{}"),
        ("spec", json.dumps({**SPEC, "ipv6": 1})),
        ("spec", json.dumps({**SPEC, "labels": {"a": 1}})),
        ("spec", json.dumps({**SPEC, "unknown": 1})),
        ("interface", "a/b"),
        ("interface", "a" * 16),
        ("subnets", "{}"),
        ("subnets", '[{"subnet": 1}]'),
        ("subnets", '[{"subnet": "10.0.0.0/8; flush ruleset"}]'),
        ("created", "x"),
    ],
)
def test_damage_is_told_as_damage(connection, network, column, value):
    """A row that cannot be decoded is reported with its key."""
    networks.insert(connection, network("a"))
    connection.execute(f"UPDATE networks SET {column} = ?", (value,))
    with pytest.raises(StateCorrupt) as caught:
        networks.all(connection)
    assert caught.value.fields["table"] == "networks"
