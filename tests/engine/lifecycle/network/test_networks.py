# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks as objects: created without conflicts with the host, changed, reported, removed."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from _engine.errors import HostLacks, InUse, NameInUse, NotFound
from _engine.frozen import replace
from _engine.kernel.net import nft
from _engine.lifecycle.core import sidecars
from _engine.lifecycle.host.rebuild import rebuild
from _engine.lifecycle.network import host_network
from _engine.lifecycle.network.create import default
from _engine.lifecycle.network.remove import remove_held
from _engine.lifecycle.wiring import rules
from _engine.model.container.spec import ContainerSpec
from _engine.model.engine.event_query import EventQuery
from _engine.model.engine.record import ContainerRecord
from _engine.model.network.wiring import Endpoint
from _engine.network import bridge
from _engine.plan.network import How
from _engine.plan.subnets import SubnetInUse
from _engine.state import containers, events, networks


def with_bridge(node, address: str, name: str = "br9") -> None:
    """Create a bridge with an address on the host."""
    node.ip("link", "add", name, "type", "bridge")
    node.ip("address", "add", address, "dev", name, "nodad") if ":" in address else node.ip(
        "address", "add", address, "dev", name
    )
    node.ip("link", "set", name, "up")


def use(node, network: str, container: str = "web") -> None:
    """Attach a container that was only created to a network, by its rows."""

    def attach(engine) -> None:
        spec = ContainerSpec.parse({"name": container, "image": "localhost/box:1", "network": ["none"]})
        with engine.database.transaction() as connection:
            record = networks.by_name(connection, network)
            containers.insert(connection, ContainerRecord("c" * 64, spec, 1))
            connection.execute(
                "INSERT INTO attachments VALUES (?, 0, ?, 'eth0', '02:00:00:00:00:01', '{}')",
                ("c" * 64, record.id),
            )
            connection.execute("INSERT INTO leases VALUES (?, '10.89.0.2', ?)", (record.id, "c" * 64))

    node.engine(attach)


def test_the_life_of_a_network(node):
    """A network is created once, changed live, reported, and removed with all its state."""
    made = node.want(labels={"tier": "web"})
    assert made.actions == ("created network app",)
    assert node.want(labels={"tier": "web"}).actions == ()
    altered = node.want(labels={"tier": "db"})
    assert (altered.actions, altered.cost) == (("updated network app",), "live")
    (told,) = node.told()
    assert told == {**made.result["network"], "labels": {"tier": "db"}}
    assert told["subnets"] == [{"subnet": "10.89.0.0/24", "gateway": "10.89.0.1"}]
    assert told["network_interface"] == f"sw-{told['id'][:8]}"
    removed = node.want(state="absent")
    assert (removed.actions, removed.result) == (("removed network app",), {"network": {}})
    assert node.want(state="absent").actions == ()
    assert node.told() == []
    found = node.engine(lambda engine: _events(engine, told["id"]))
    assert found == ["create", "update", "remove"]


def _events(engine, identity: str) -> list[str]:
    with engine.database.reading() as connection:
        return [one.action for one in events.find(connection, EventQuery()) if one.id == identity]


def test_check_mode_foresees_what_is_made(node):
    """Check mode reports the very network that a real run creates, except id and time, and creates none."""
    node.want("other")
    foreseen = node.want(ipv6=False, predicting=True)
    assert [one["name"] for one in node.told()] == ["other"]
    made = node.want(ipv6=False)
    own = {"id", "created", "network_interface"}
    shapes = [
        {key: value for key, value in one.result["network"].items() if key not in own}
        for one in (foreseen, made)
    ]
    assert foreseen.actions == made.actions
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize(
    ("address", "options", "subnets"),
    [
        ("10.89.0.1/24", {}, ["10.89.1.0/24"]),
        ("10.89.7.1/16", {}, ["10.90.0.0/24"]),
        ("fd00::1/64", {"subnet": ["fd00:1::/64"], "ipv6": True}, ["fd00:1::/64", "10.89.0.0/24"]),
    ],
)
def test_a_subnet_is_clear_of_the_hosts_routes(node, address, options, subnets):
    """A subnet that the engine chooses overlaps no route of the host."""
    with_bridge(node, address)
    shape = node.want(**options).result["network"]
    assert [one["subnet"] for one in shape["subnets"]] == subnets


def test_a_route_of_any_table_is_the_hosts(node):
    """A route to a part of a subnet, in any table, conflicts with it; within a wider route it is fine."""
    with_bridge(node, "192.0.2.1/24")
    node.ip("route", "add", "10.0.0.0/8", "via", "192.0.2.9")
    assert node.want(subnet=["10.1.0.0/24"]).changed
    node.ip("route", "add", "10.2.0.0/25", "via", "192.0.2.9", "table", "77")
    with pytest.raises(SubnetInUse, match=r"10\.2\.0\.0/25 via 192\.0\.2\.9 dev br9"):
        node.want("other", subnet=["10.2.0.0/24"])


def test_a_network_that_goes_leaves_nothing_on_the_host(node):
    """A removed network takes its bridge and rules, not those of others, and the last one takes the table."""

    def load(engine):
        with engine.database.reading() as connection:
            found = networks.all(connection)
        for record in found:
            rules.open_network(engine, record)
            bridge.ensure(record)
        return [record.interface for record in found]

    def table(engine):
        return nft.table("inet", rules.table(engine))

    before = node.ip("link")
    node.want("app")
    node.want("db")
    app, db = node.engine(load)
    assert [name in node.ip("link") for name in (app, db)] == [True, True]
    node.want("app", "absent")
    assert [name in node.ip("link") for name in (app, db)] == [False, True]
    rest = str(node.engine(table))
    assert (app in rest, db in rest) == (False, True)
    node.want("db", "absent")
    assert (node.ip("link"), node.engine(table)) == (before, None)


@pytest.mark.parametrize("address", ["10.1.0.1/24", "10.1.0.1/30", "10.0.0.1/8", "fd00::1/64"])
def test_a_subnet_that_the_host_has_is_refused(node, address):
    """A subnet with a route on the host is refused with the route, and nothing is created."""
    with_bridge(node, address)
    with pytest.raises(SubnetInUse, match="dev br9"):
        node.want(subnet=["10.1.0.0/24", "fd00::/64"])
    assert node.told() == []


def test_a_subnet_of_another_network_is_refused(node):
    """A subnet of another network is refused with that network's name."""
    node.want("other", subnet=["10.1.0.0/24"])
    with pytest.raises(SubnetInUse, match="network other"):
        node.want(subnet=["10.1.0.128/25"])


def test_a_bridge_of_the_host_stays_the_hosts(node):
    """An existing bridge is refused unless it is to be used unmanaged, and then it outlives the network."""
    with_bridge(node, "10.1.0.1/24")
    with pytest.raises(NameInUse, match="br9 exists on the host"):
        node.want(interface_name="br9")
    node.want(interface_name="br9", subnet=["10.1.0.0/24"], opt={"mode": "unmanaged"})
    node.want(state="absent")
    assert "br9" in node.ip("link", "show", "br9")


def test_the_default_network_is_made_at_first_need(node):
    """It is created once, with podman's subnet and its own name, and in check mode only predicted."""
    foreseen = node.engine(default, read_only=True)
    assert node.told() == []
    made = node.engine(default)
    assert node.engine(default) == made
    assert (made.name, made.interface, made.subnets[0].subnet) == ("slipway", "slipway0", "10.88.0.0/16")
    assert (foreseen.interface, foreseen.subnets) == (made.interface, made.subnets)
    assert [one["name"] for one in node.told()] == ["slipway"]


def test_the_default_network_gives_way(node):
    """If the host uses podman's subnet and the usual name, the default network gets others."""
    with_bridge(node, "10.88.0.1/16", "slipway0")
    made = node.engine(default)
    assert (made.interface, made.subnets[0].subnet) == (f"sw-{made.id[:8]}", "10.89.0.0/24")


@pytest.mark.parametrize(("state", "names"), [("present", ["app"]), ("absent", [])])
def test_a_removal_that_was_killed_is_finished(node, state, names):
    """A network whose removal was started does not exist any more; the next task completes the removal."""
    before = node.want().result["network"]["id"]

    def begin(engine) -> None:
        with engine.database.transaction() as connection:
            record = networks.by_name(connection, "app")
            networks.update(connection, replace(record, removing=True))

    node.engine(begin)
    assert (node.told(), node.told("app")) == ([], [])
    node.want(state=state)
    after = node.told()
    assert [one["name"] for one in after] == names
    assert before not in {one["id"] for one in after}


def test_a_network_that_is_used_is_kept(node):
    """A network with containers lists them, and is not removed or recreated; its labels can be changed."""
    node.want()
    use(node, "app")
    (told,) = node.told()
    interface = {
        "mac_address": "02:00:00:00:00:01",
        "subnets": [{"ipnet": "10.89.0.2/24", "gateway": "10.89.0.1"}],
    }
    assert told["containers"] == {"c" * 64: {"name": "web", "interfaces": {"eth0": interface}}}
    assert told["used_by"] == ["web"]
    for task in ({"state": "absent"}, {"internal": True}, {"opt": {"mtu": 1400}}):
        with pytest.raises(InUse, match="web") as caught:
            node.want(**task)
        assert caught.value.fields["users"] == ["web"]
    assert node.want(labels={"a": "b"}).actions == ("updated network app",)
    assert [one["id"] for one in node.told()] == [told["id"]]


def test_a_container_that_comes_last_keeps_its_network(node):
    """A container attached after the planning is noticed by the removal, which then leaves no mark."""
    node.want()
    use(node, "app")
    with pytest.raises(InUse, match="web"):
        node.engine(lambda engine: remove_held(engine, "app"))
    assert [one["name"] for one in node.told()] == ["app"]


def test_ipv6_on_a_host_without_it_is_refused(node, monkeypatch, tmp_path):
    """If the kernel has no IPv6, according to its files, an IPv6 subnet is refused with a remedy."""
    monkeypatch.setattr(host_network, "_ADDRESSES_6", str(tmp_path / "none"))
    with pytest.raises(HostLacks, match="needs IPv6"):
        node.want(ipv6=True)
    assert node.want().changed


def test_a_network_without_containers_is_made_anew(node):
    """A change that can't be made live recreates the network, which keeps the chosen subnet."""
    node.want("first")
    before = node.want().result["network"]
    node.want("first", state="absent")
    changed = node.want(internal=True)
    after = changed.result["network"]
    assert (changed.actions, changed.cost) == (("removed network app", "created network app"), "recreate")
    assert (after["internal"], after["subnets"]) == (True, before["subnets"])
    assert after["id"] != before["id"]
    assert node.want(internal=True).actions == ()
    assert node.want(how=How(recreate=True)).actions == changed.actions


def test_eight_tasks_at_once_choose_eight_subnets(node):
    """Concurrent tasks never choose the same subnet or interface."""
    node.engine(lambda _engine: None)
    with ThreadPoolExecutor(8) as pool:
        made = [*pool.map(lambda number: node.want(f"n{number}", ipv6=True), range(8))]
    shapes = [one.result["network"] for one in made]
    assert len({subnet["subnet"] for one in shapes for subnet in one["subnets"]}) == 16
    assert len({one["network_interface"] for one in shapes}) == 8


def connected(node, network: str) -> None:
    """Create the row of a container in a network, and its sidecar."""

    def make(engine) -> None:
        with engine.database.transaction() as connection:
            home = networks.by_name(connection, network)
            spec = ContainerSpec.parse({"name": "web", "image": "localhost/box:1", "network": [network]})
            end = Endpoint(home.id, "eth0", "02:00:00:00:00:01", ("10.89.0.2",))
            record = ContainerRecord("c" * 64, spec, 1, endpoints=(end,))
            containers.insert(connection, record)
        os.makedirs(engine.layout.container(record.id).static)
        sidecars.keep_container(engine, record)

    node.engine(make)


def lose(node) -> None:
    """Remove the database, and rebuild it."""
    for path in node.top.glob("root/state.db*"):
        path.unlink()
    node.rebuilt = rebuild(f"{node.top}/root", f"{node.top}/run", dry_run=False)


def test_networks_outlive_their_database(node):
    """Networks are rebuilt from their sidecars, with the attached containers; a removed one is not."""
    node.want(labels={"tier": "db"}, ipv6=True)
    node.want(labels={"tier": "web"}, ipv6=True)
    node.want("gone")
    node.want("gone", state="absent")
    connected(node, "app")
    before = node.told()
    lose(node)
    assert [text for text in node.rebuilt.made if text.startswith("network")] == ["network app"]
    assert node.told() == before
    assert before[0]["used_by"] == ["web"]


def test_a_network_that_is_lost_costs_no_container(node):
    """A container is rebuilt without its endpoint in a network that is lost, and that is reported."""
    node.want()
    connected(node, "app")
    for path in node.top.glob("root/networks/*"):
        path.unlink()
    lose(node)
    assert (node.told(), [text.split()[1] for text in node.rebuilt.made]) == ([], ["web"])
    assert any("a network of container web" in text for text in node.rebuilt.problems)


@pytest.mark.parametrize("change", [{"interface": "sw-older"}, {"name": "other"}])
def test_of_two_that_lie_there_the_younger_is_made(node, change):
    """Of two networks with one name or interface, the older was being recreated when its task was killed."""
    node.want()
    before = node.told()
    (path,) = node.top.glob("root/networks/*")
    older = {**json.loads(path.read_bytes()), "id": "b" * 64, "created": 1}
    older["spec"]["name"] = change.get("name", "app")
    path.with_name(f"{'b' * 64}.json").write_text(
        json.dumps({**older, "interface": change.get("interface", older["interface"])})
    )
    lose(node)
    assert node.told() == before


def test_what_lies_beside_is_mended(node):
    """A task without other work writes a sidecar that a killed one did not, readable by root only."""
    node.want()
    (path,) = node.top.glob("root/networks/*")
    before = path.read_bytes()
    path.unlink()
    assert node.want(predicting=True).actions == ()
    assert not path.exists()
    assert node.want().actions == ()
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (before, 0o600)


def test_networks_are_found_by_name_and_id(node):
    """Networks are reported in the requested order, by name, id or its prefix; missing ones are left out."""
    first, second = (node.want(name, labels={"n": name}).result["network"]["id"] for name in ("app", "db"))
    assert [one["name"] for one in node.told("db", "none", first, second[:12])] == ["db", "app", "db"]
    assert [one["name"] for one in node.told(labels=["n=db"])] == ["db"]
    with pytest.raises(NotFound) as caught:
        node.told("ap", must_exist=True)
    assert caught.value.fields["near"] == ["app"]
