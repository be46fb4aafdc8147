# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses, subnets and routes: canonical forms and refusals."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.model.network.addresses import (
    contains,
    first_address,
    overlap,
    parse_address,
    parse_route,
    parse_subnet,
)
from _engine.model.network.spec import Route, Subnet


@pytest.mark.parametrize(
    ("given", "subnet"),
    [
        (("10.1.0.7/24",), Subnet("10.1.0.0/24")),
        (("10.1.0.0/255.255.255.0",), Subnet("10.1.0.0/24")),
        ((" FD00:0:0::5/64 ",), Subnet("fd00::/64")),
        (("10.1.0.0/24", "10.1.0.254"), Subnet("10.1.0.0/24", "10.1.0.254")),
        (("fd00::/64", "FD00::00ff"), Subnet("fd00::/64", "fd00::ff")),
        (
            ("10.1.0.0/24", "", "10.1.0.128/25"),
            Subnet("10.1.0.0/24", start="10.1.0.129", end="10.1.0.255"),
        ),
        (("10.1.0.0/24", "", "10.1.0.9/32"), Subnet("10.1.0.0/24", start="10.1.0.9", end="10.1.0.9")),
        (
            ("10.1.0.0/24", "", "10.1.0.10-10.1.0.20"),
            Subnet("10.1.0.0/24", start="10.1.0.10", end="10.1.0.20"),
        ),
        (("fd00::/64", "", "fd00::1:0/112"), Subnet("fd00::/64", start="fd00::1:1", end="fd00::1:ffff")),
        (("10.1.0.0/30",), Subnet("10.1.0.0/30")),
    ],
)
def test_a_subnet_has_one_spelling(given, subnet):
    """Host bits are cleared, and a range is its first and last address, as in podman."""
    assert parse_subnet(*given) == subnet


@pytest.mark.parametrize(
    ("given", "option"),
    [
        (("10.1.0.0",), "subnet"),
        (("10.1.0.0/33",), "subnet"),
        (("10.1.0/24",), "subnet"),
        (("fe80::1%eth0/64",), "subnet"),
        (("10.1.0.0/31",), "subnet"),
        (("fd00::/127",), "subnet"),
        (("0.0.0.0/0",), "subnet"),
        (("224.0.1.0/24",), "subnet"),
        (("127.1.0.0/24",), "subnet"),
        (("fe80::/64",), "subnet"),
        ((None,), "subnet"),
        (("10.1.0.0/24", "10.2.0.1"), "gateway"),
        (("10.1.0.0/24", "fd00::1"), "gateway"),
        (("10.1.0.0/24", "10.1.0.0"), "gateway"),
        (("10.1.0.0/24", "10.1.0.255"), "gateway"),
        (("10.1.0.0/24", "first"), "gateway"),
        (("10.1.0.0/24", "", "10.2.0.0/25"), "ip_range"),
        (("10.1.0.0/24", "", "10.0.0.0/8"), "ip_range"),
        (("10.1.0.0/24", "", "10.1.0.20-10.1.0.10"), "ip_range"),
        (("10.1.0.0/24", "", "10.1.0.20-10.1.1.10"), "ip_range"),
        (("10.1.0.0/24", "", "10.1.0.20"), "ip_range"),
    ],
)
def test_what_is_no_subnet_is_refused(given, option):
    """The error names the option, and has a remedy."""
    with pytest.raises(InvalidOption) as caught:
        parse_subnet(*given)
    assert (caught.value.fields["option"], bool(caught.value.remedy)) == (option, True)


@pytest.mark.parametrize("text", ["", "host", "10.1.0.256", "10.1.0.1/24", "fe80::1%eth0", 7, None])
def test_what_is_no_address_is_refused(text):
    """An address with a zone, a number and a name are not addresses."""
    with pytest.raises(InvalidOption):
        parse_address("dns", text)


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("10.2.0.1/16,10.1.0.9", Route("10.2.0.0/16", "10.1.0.9")),
        (" fd01::/64 , fd00::9 , 100", Route("fd01::/64", "fd00::9", 100)),
        ("0.0.0.0/0,10.1.0.9,4294967295", Route("0.0.0.0/0", "10.1.0.9", 2**32 - 1)),
    ],
)
def test_a_route(text, route):
    """A route is a destination, a gateway and an optional metric."""
    assert parse_route("route", text) == route


@pytest.mark.parametrize(
    "text",
    [
        "10.2.0.0/16",
        "10.2.0.0/16,",
        "10.2.0.0,10.1.0.9",
        "10.2.0.0/16,fd00::9",
        "10.2.0.0/16,10.1.0.9,-1",
        "10.2.0.0/16,10.1.0.9,4294967296",
        "10.2.0.0/16,10.1.0.9,1,2",
    ],
)
def test_what_is_no_route_is_refused(text):
    """A route without a gateway, with mixed IP versions, or with an invalid metric is refused."""
    with pytest.raises(InvalidOption) as caught:
        parse_route("route", text)
    assert caught.value.fields["option"] == "route"


@pytest.mark.parametrize(
    ("one", "other", "overlaps", "inside"),
    [
        ("10.0.0.0/8", "10.1.0.0/24", True, True),
        ("10.1.0.0/24", "10.0.0.0/8", True, False),
        ("10.1.0.0/24", "10.1.0.0/24", True, True),
        ("10.1.0.0/24", "10.1.1.0/24", False, False),
        ("10.1.0.0/24", "10.1.0.5", True, True),
        ("::/0", "10.1.0.0/24", False, False),
        ("fd00::/64", "fd00::5", True, True),
    ],
)
def test_networks_are_compared(one, other, overlaps, inside):
    """Networks of different IP versions do not overlap."""
    assert (overlap(one, other), contains(one, other)) == (overlaps, inside)


def test_the_first_address_is_behind_that_of_the_network():
    """The first host address follows the subnet's own address."""
    assert (first_address("10.1.0.0/24"), first_address("fd00::/64")) == ("10.1.0.1", "fd00::1")
