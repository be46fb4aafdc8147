# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a network's driver: parsing, canonical form, and the drivers that have them."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption, NotBuiltYet
from _engine.model.network.driver_options import Read, parse, settle


@pytest.mark.parametrize(
    ("given", "options"),
    [
        (None, {}),
        ({}, {}),
        ({"mtu": 1400, "vlan": None}, {"mtu": "1400"}),
        (["mtu=1400", "metric=7"], {"mtu": "1400", "metric": "7"}),
        ("mtu=1400", {"mtu": "1400"}),
        ({"mtu": 0, "vlan": "0", "metric": 0}, {}),
        ({"isolate": True}, {"isolate": "true"}),
        ({"isolate": "Strict"}, {"isolate": "strict"}),
        ({"isolate": False, "no_default_route": "no"}, {}),
        ({"no_default_route": "1"}, {"no_default_route": "true"}),
        ({"com.docker.network.driver.mtu": "9000"}, {"mtu": "9000"}),
        ({"driver_mtu": "9000", "mtu": 9000}, {"mtu": "9000"}),
        ({"parent": "eth0.7", "mode": "vepa"}, {"mode": "vepa", "parent": "eth0.7"}),
    ],
)
def test_options_have_one_spelling(given, options):
    """A mapping, a list and a string are equivalent; 0, false and null are unset."""
    assert parse(given) == Read(options)


@pytest.mark.parametrize("key", ["com.docker.network.bridge.name", "bridge_name"])
def test_the_name_of_a_bridge_is_no_option(key):
    """Docker's option for the name of a bridge is the network's interface."""
    assert parse({key: "br7", "mtu": 1400}) == Read({"mtu": "1400"}, "br7")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"mtu": 67}, "opt.mtu"),
        ({"mtu": 65536}, "opt.mtu"),
        ({"mtu": -1}, "opt.mtu"),
        ({"mtu": "1400b"}, "opt.mtu"),
        ({"vlan": 4095}, "opt.vlan"),
        ({"isolate": "maybe"}, "opt.isolate"),
        ({"no_default_route": "strict"}, "opt.no_default_route"),
        ({"parent": "a/b"}, "opt.parent"),
        ({"mtuu": 1400}, "near: mtu"),
        ({"host_interface_name": "a"}, "a single container"),
        (["mtu"], "has no value"),
        (["mtu=1400", "mtu=1500"], "is set twice"),
        ({"mtu": 1400, "driver_mtu": 1500}, "is set twice"),
        (7, "is not a mapping"),
    ],
)
def test_what_is_no_option_is_refused(given, told):
    """The error names the option, or similar ones."""
    with pytest.raises(InvalidOption, match=told):
        parse(given)


def test_what_netavark_has_besides_is_not_built():
    """An option that only netavark has is refused, not ignored."""
    with pytest.raises(NotBuiltYet) as caught:
        parse({"vrf": "blue"})
    assert caught.value.fields["options"] == ["opt.vrf"]


@pytest.mark.parametrize(
    ("driver", "options", "kept"),
    [
        ("bridge", {"mode": "managed", "mtu": "1400"}, {"mtu": "1400"}),
        ("bridge", {"mode": "unmanaged"}, {"mode": "unmanaged"}),
        ("macvlan", {"mode": "bridge", "parent": "eth0"}, {"parent": "eth0"}),
        ("ipvlan", {"mode": "l3s"}, {"mode": "l3s"}),
    ],
)
def test_the_usual_mode_is_unset(driver, options, kept):
    """The driver's default mode is unset."""
    assert settle(driver, options) == kept


@pytest.mark.parametrize(
    ("driver", "options"),
    [
        ("bridge", {"parent": "eth0"}),
        ("macvlan", {"vlan": "7"}),
        ("ipvlan", {"isolate": "true"}),
        ("bridge", {"mode": "vepa"}),
        ("macvlan", {"mode": "l2"}),
        ("cni", {"mtu": "1400"}),
        ("bridge", {"conflist": "corp"}),
    ],
)
def test_an_option_of_another_driver_is_refused(driver, options):
    """The error names the driver and its options."""
    with pytest.raises(InvalidOption, match=f"driver {driver}"):
        settle(driver, options)
