# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses in networks: the lowest free one, the previous one, the requested one."""

from __future__ import annotations

import pytest

from _engine.errors import InUse, InvalidOption
from _engine.model.network.spec import Subnet
from _engine.plan.addresses import HOST, NoFreeAddress, asked, choose, home_of, prefixed

NET = Subnet("10.9.0.0/29", "10.9.0.1")
CHOSEN = [
    (NET, (), "", "10.9.0.2"),
    (NET, ("10.9.0.2", "10.9.0.3"), "", "10.9.0.4"),
    (NET, ("10.9.0.2",), "10.9.0.6", "10.9.0.6"),
    (NET, ("10.9.0.6",), "10.9.0.6", "10.9.0.2"),
    (NET, (), "10.9.0.1", "10.9.0.2"),
    (NET, (), "10.8.0.4", "10.9.0.2"),
    (NET, (), "fd00::4", "10.9.0.2"),
    (Subnet("10.9.0.0/24", "10.9.0.1", "10.9.0.100", "10.9.0.101"), (), "", "10.9.0.100"),
    (Subnet("10.9.0.0/24", "10.9.0.1", "10.9.0.100", "10.9.0.101"), (), "10.9.0.5", "10.9.0.100"),
    (Subnet("10.9.0.0/24", "10.9.0.254"), (), "", "10.9.0.1"),
    (Subnet("10.9.0.0/31", "10.9.0.0"), (), "", "10.9.0.1"),
    (Subnet("fd00::/64", "fd00::1"), ("fd00::2",), "", "fd00::3"),
    (Subnet("fd00::/64"), (), "", "fd00::1"),
]


@pytest.mark.parametrize(("subnet", "taken", "before", "chosen"), CHOSEN)
def test_choose(subnet, taken, before, chosen):
    """The previous address is kept if it is still valid and free, otherwise the lowest free one is assigned."""
    assert choose("web", subnet, taken, before) == chosen


def test_full():
    """A full network is an error, and the first and last address of the subnet are not assigned."""
    taken = [f"10.9.0.{number}" for number in range(2, 7)]
    with pytest.raises(NoFreeAddress, match=r"10\.9\.0\.0/29"):
        choose("web", NET, taken)


REFUSED = [
    ("10.9.1.2", InvalidOption, "in no subnet"),
    ("fd00::1", InvalidOption, "in no subnet"),
    ("10.9.0.1", InvalidOption, "gateway"),
    ("10.9.0.0", InvalidOption, "not a host address"),
    ("10.9.0.7", InvalidOption, "not a host address"),
    ("10.9.0.3", InUse, "address of container db"),
    ("10.9.0.4", InUse, "an address of the host"),
]


@pytest.mark.parametrize(("ip", "error", "why"), REFUSED)
def test_asked_in_vain(ip, error, why):
    """An unavailable address is refused, and the error names its owner."""
    with pytest.raises(error, match=why):
        asked("ip", "web", [NET], ip, {"10.9.0.3": "db", "10.9.0.4": HOST})


def test_asked():
    """An address outside of the range that the engine assigns can be requested."""
    subnet = Subnet("10.9.0.0/24", "10.9.0.1", "10.9.0.100", "10.9.0.101")
    assert asked("ip", "web", [subnet], "10.9.0.5", {}) == "10.9.0.5"


def test_home():
    """An address is shown with the prefix length of its subnet."""
    six = Subnet("fd00::/64")
    assert home_of([NET, six], "fd00::7") == six
    assert prefixed(six, "fd00::7") == "fd00::7/64"
    assert home_of([NET], "10.9.0.8") is None
