# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces for tests, which never touch the host's own."""

from __future__ import annotations

import os

import pytest

from _engine.kernel.net import links, netns
from _engine.kernel.net.netlink import Netlink


@pytest.fixture
def space(place):
    """Return the path of a new network namespace."""
    path = str(place / "net")
    netns.pin(path)
    yield path
    netns.unpin(path)


@pytest.fixture
def other(place):
    """Return the path of a second network namespace."""
    path = str(place / "other")
    netns.pin(path)
    yield path
    netns.unpin(path)


@pytest.fixture
def netlink(space):
    """Return a netlink socket in the namespace."""
    with Netlink(space) as netlink:
        yield netlink


@pytest.fixture
def pair(netlink, other):
    """Create a bridge ``br`` with a port ``port``; return its peer ``eth0``, up in the other namespace."""
    netlink.ask(links.bridge("br", mac="02:00:00:00:00:01"))
    (bridge,) = links.find(netlink, "br")
    fd = os.open(other, os.O_RDONLY)
    netlink.ask(
        links.veth("port", "eth0", peer_mac="02:00:00:00:00:02", mtu=1400, master=bridge.ifindex, netns_fd=fd)
    )
    os.close(fd)
    with Netlink(other) as inside:
        (end,) = links.find(inside, "eth0")
        inside.ask(links.change(end, up=True))
    return end
