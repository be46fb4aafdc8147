# SPDX-License-Identifier: GPL-3.0-or-later
"""Communicate with the kernel by rtnetlink."""

from __future__ import annotations

import errno

import pytest

from _engine.kernel.net import addresses, links
from _engine.kernel.net.netlink import Netlink


def test_the_kernels_own_words_are_in_the_error(netlink):
    """An error has its errno, the kernel's message, and the object."""
    (loopback,) = links.find(netlink, "lo")
    netlink.ask(links.change(loopback, up=True))
    with pytest.raises(OSError, match="Nexthop has invalid gateway") as caught:
        netlink.ask(addresses.add_route(loopback.ifindex, "10.9.0.0/16", "10.77.0.1"))
    assert (caught.value.errno, caught.value.filename) == (errno.ENETUNREACH, "route to 10.9.0.0/16")


def test_one_that_fails_does_not_stop_the_others(netlink):
    """All requests of a batch are tried, and the first error is raised."""
    made = [links.bridge(name, mac="02:00:00:00:00:01") for name in ("a", "a", "b")]
    with pytest.raises(FileExistsError):
        netlink.batch(made)
    assert [link.name for link in links.find(netlink, "a", "b")] == ["a", "b"]


def test_a_batch_of_any_size_is_answered(netlink):
    """More requests than fit into one message are answered in order; fine errors are None."""
    wanted = [f"10.0.0.{number}/32" for number in range(150)]
    assert netlink.batch([addresses.add(1, address) for address in wanted]) == [b""] * 150
    assert [item.address for item in addresses.listed(netlink)] == wanted
    gone = [addresses.remove(1, address) for address in ["10.0.0.150/32", *wanted]]
    assert netlink.batch(gone) == [None] + [b""] * 150


def test_a_socket_stays_in_its_namespace(space, other):
    """Each socket lists the interfaces of the namespace in which it was opened, not this process's."""
    with Netlink(space) as here, Netlink(other) as there:
        here.ask(links.bridge("br", mac="02:00:00:00:00:01"))
        assert [link.name for link in links.listed(here)] == ["lo", "br"]
        assert [link.name for link in links.listed(there)] == ["lo"]


def test_a_broken_off_answer_is_no_answer_to_the_next(netlink):
    """An unread answer is not mistaken for the answer to the next request."""
    netlink._send([links.delete("none")], 0x5)
    assert links.find(netlink, "lo")[0].name == "lo"
