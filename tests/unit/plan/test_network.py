# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for networks, and refusals."""

from __future__ import annotations

import pytest

from _engine.errors import InUse, InvalidOption, NameInUse
from _engine.frozen import replace
from _engine.model.network.grammar import Asked, parse
from _engine.model.network.spec import NetworkRecord, NetworkSpec, Subnet
from _engine.plan.network import Birth, How, Now, decide, default_spec, fresh
from _engine.plan.subnets import HostRoute, SubnetInUse, Taken

ID, OTHER = "a" * 64, "b" * 64
BIRTH = Birth(ID, 7, Taken())
AS_USUAL = How()
MADE = fresh(NetworkSpec("n", labels={"a": "b"}), Birth(OTHER, 1, Taken()))
RICH = replace(
    MADE,
    interface="br0",
    spec=NetworkSpec(
        "n", interface="br0", options={"mtu": "1400"}, labels={"a": "b"}, dns_servers=("192.0.2.1",)
    ),
)
REMADE = ["removed network n", "created network n"]
AROUND = ["detached web from network n", *REMADE, "attached web to network n"]


def asked(*, labels: dict[str, str] | None = None, **given) -> Asked:
    """Return a task's request for network n, with its labels."""
    found = parse({"name": "n", **given})
    return found._replace(spec=replace(found.spec, labels={"a": "b"} if labels is None else labels))


def plan(
    given: Asked, record: NetworkRecord | None, *users: str, how: How = AS_USUAL, state: str = "present"
):
    """Return the plan, with only the network itself taken."""
    taken = Taken((record,) if record else (), interfaces=frozenset({record.interface} if record else ()))
    return decide(given, state, how, Now(record, users), BIRTH._replace(taken=taken))


@pytest.mark.parametrize(
    ("given", "record", "users", "how", "actions", "cost"),
    [
        (asked(), None, (), AS_USUAL, ["created network n"], ""),
        (asked(), replace(MADE, removing=True), (), AS_USUAL, ["created network n"], ""),
        (
            asked(subnet=["10.89.0.0/24"]),
            replace(MADE, removing=True),
            (),
            AS_USUAL,
            ["created network n"],
            "",
        ),
        (asked(), MADE, (), AS_USUAL, [], ""),
        (asked(), RICH, ("web",), AS_USUAL, [], ""),
        (asked(driver="bridge", internal=False, disable_dns=False), RICH, (), AS_USUAL, [], ""),
        (asked(subnet=["10.89.0.0/24"]), MADE, (), AS_USUAL, [], ""),
        (asked(interface_name="sw-bbbbbbbb"), MADE, (), AS_USUAL, [], ""),
        (asked(labels={"a": "c"}), MADE, ("web",), AS_USUAL, ["updated network n"], "live"),
        (asked(labels={}), RICH, ("web",), AS_USUAL, ["updated network n"], "live"),
        (asked(internal=True), MADE, (), AS_USUAL, REMADE, "recreate"),
        (asked(opt={"mtu": 1500}), RICH, (), AS_USUAL, REMADE, "recreate"),
        (asked(opt={}), RICH, (), AS_USUAL, REMADE, "recreate"),
        (asked(dns=[]), RICH, (), AS_USUAL, REMADE, "recreate"),
        (asked(ipv6=True), MADE, (), AS_USUAL, REMADE, "recreate"),
        (asked(subnet=["10.1.0.0/24"]), MADE, (), AS_USUAL, REMADE, "recreate"),
        (asked(internal=True), MADE, ("web",), How(recreate=True), AROUND, "recreate"),
        (asked(), MADE, (), How(recreate=True), REMADE, ""),
        (asked(), MADE, ("web",), How(recreate=True), AROUND, ""),
    ],
)
def test_what_is_done(given, record, users, how, actions, cost):
    """Labels change live, everything else recreates the network, and unset options are kept."""
    found = plan(given, record, *users, how=how)
    assert ([action.text for action in found.actions], found.cost) == (actions, cost)
    assert found.record is not None


@pytest.mark.parametrize(
    ("given", "record", "told"),
    [
        (asked(labels={"a": "c", "d": ""}), MADE, {"labels.a": ("b", "c"), "labels.d": (None, "")}),
        (
            asked(internal=True, disable_dns=True),
            MADE,
            {"internal": (False, True), "disable_dns": (False, True)},
        ),
        (asked(opt={"isolate": True}), RICH, {"opt.mtu": ("1400", None), "opt.isolate": (None, "true")}),
        (asked(interface_name="br1"), RICH, {"interface_name": ("br0", "br1")}),
        (
            asked(subnet=["10.1.0.0/24"], ip_range=["10.1.0.8-10.1.0.9"]),
            MADE,
            {
                "subnet.10.89.0.0/24": ({"gateway": "10.89.0.1"}, None),
                "subnet.10.1.0.0/24": (None, {"gateway": "10.1.0.1", "start": "10.1.0.8", "end": "10.1.0.9"}),
            },
        ),
        (asked(ipv6=True), MADE, {"subnet.one of IPv6": (None, {})}),
    ],
)
def test_differences_have_the_names_of_options(given, record, told):
    """Each difference has the name of its option and both values."""
    found = plan(given, record).differences
    assert {one.option: (one.before, one.after) for one in found} == told


def test_what_comes_of_it():
    """A live change affects only the labels; a recreated network keeps chosen subnets, and gets a new ID."""
    updated = plan(asked(labels={}), RICH).record
    assert updated == replace(RICH, spec=replace(RICH.spec, labels={}))
    there = replace(MADE, subnets=(Subnet("10.99.0.0/24", "10.99.0.1"),))
    new = plan(asked(internal=True), there).record
    assert (new.id, new.created, new.interface) == (ID, 7, "sw-aaaaaaaa")
    assert (new.subnets, new.spec) == (there.subnets, replace(MADE.spec, internal=True))


@pytest.mark.parametrize(
    ("record", "users", "how", "actions"),
    [
        (None, (), AS_USUAL, []),
        (MADE, (), AS_USUAL, ["removed network n"]),
        (replace(MADE, removing=True), (), AS_USUAL, ["removed network n"]),
        (MADE, ("web",), How(force=True), ["detached web from network n", "removed network n"]),
    ],
)
def test_removal(record, users, how, actions):
    """Removing a missing network does nothing; with force, containers are detached first."""
    found = plan(asked(), record, *users, how=how, state="absent")
    assert ([action.text for action in found.actions], found.record) == (actions, None)


@pytest.mark.parametrize(
    ("given", "state", "fields"),
    [
        (asked(), "absent", {"name": "n", "users": ["db", "web"]}),
        (asked(internal=True), "present", {"name": "n", "users": ["db", "web"], "options": ["internal"]}),
        (
            asked(subnet=["10.91.0.0/24", "10.92.0.0/24"]),
            "present",
            {"name": "n", "users": ["db", "web"], "options": ["subnet"]},
        ),
    ],
)
def test_who_uses_a_network_keeps_it(given, state, fields):
    """A network with containers is neither removed nor recreated without force or recreate; the error names them."""
    with pytest.raises(InUse, match="db, web") as caught:
        plan(given, MADE, "db", "web", state=state)
    assert caught.value.fields == fields


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (asked(driver="macvlan"), InvalidOption),
        (asked(opt={"parent": "eth0"}), InvalidOption),
        (asked(disable_dns=True), InvalidOption),
        (asked(route=["10.2.0.0/16,10.3.0.1"]), InvalidOption),
    ],
)
def test_what_does_not_go_with_what_is_there_is_refused(given, error):
    """A task's options are checked together with those that the network keeps."""
    with pytest.raises(error):
        plan(given, RICH)


def test_a_bridge_of_somebody_else_is_not_taken():
    """An interface of the host or of another network is refused; with unmanaged, it is used unchanged."""
    host = BIRTH._replace(taken=Taken(interfaces=frozenset({"br0"})))
    with pytest.raises(NameInUse, match="mode=unmanaged"):
        fresh(NetworkSpec("m", interface="br0"), host)
    used = NetworkSpec("m", interface="br0", options={"mode": "unmanaged"})
    assert fresh(used, host).interface == "br0"
    for spec in (used, NetworkSpec("m", interface="br0")):
        with pytest.raises(NameInUse, match="belongs to network n"):
            fresh(spec, BIRTH._replace(taken=Taken((RICH,))))


@pytest.mark.parametrize(
    ("taken", "interface"),
    [
        (frozenset(), "sw-aaaaaaaa"),
        ({"sw-aaaaaaaa"}, "sw-aaaaaaaaa"),
        ({"sw-aaaaaaaa", "sw-aaaaaaaaa"}, "sw-aaaaaaaaaa"),
    ],
)
def test_an_interface_is_named_by_the_id(taken, interface):
    """The name has as many digits of the ID as make it unique."""
    found = fresh(NetworkSpec("n"), BIRTH._replace(taken=Taken(interfaces=frozenset(taken))))
    assert found.interface == interface


@pytest.mark.parametrize(
    ("taken", "interface", "subnet"),
    [
        (Taken(), "slipway0", "10.88.0.0/16"),
        (
            Taken(routes=(HostRoute("10.88.0.0/16", "cni-podman0"),), interfaces=frozenset({"slipway0"})),
            "sw-aaaaaaaa",
            "10.89.0.0/24",
        ),
    ],
)
def test_the_default_network(taken, interface, subnet):
    """The default network has podman's subnet and its own name if they are free, otherwise others."""
    birth = BIRTH._replace(taken=taken)
    found = fresh(default_spec(), birth, prefer=(Subnet("10.88.0.0/16"),), interface="slipway0")
    assert (found.name, found.interface, found.subnets[0].subnet) == ("slipway", interface, subnet)


def test_a_clash_is_refused():
    """A subnet that conflicts with a route of the host is refused before anything is changed."""
    taken = Taken(routes=(HostRoute("10.1.0.0/24", "eth0"),))
    with pytest.raises(SubnetInUse):
        decide(asked(subnet=["10.1.0.0/24"]), "present", AS_USUAL, Now(), BIRTH._replace(taken=taken))


def test_networks_on_a_parent_have_no_interface_of_their_own():
    """With macvlan, nothing is created on the host."""
    spec = NetworkSpec("m", "macvlan", subnets=(Subnet("10.1.0.0/24", "10.1.0.1"),), dns=False)
    assert fresh(spec, BIRTH).interface == ""
