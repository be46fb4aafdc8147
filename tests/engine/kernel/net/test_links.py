# SPDX-License-Identifier: GPL-3.0-or-later
"""Create network interfaces of each kind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from _engine.kernel.net import links, netns
from _engine.kernel.net.netlink import Netlink


def test_a_pair_is_made_into_another_namespace(netlink, other, pair):
    """One request creates a bridge port, up, and its peer elsewhere with name, MAC and MTU."""
    bridge, port = links.find(netlink, "br", "port")
    assert (port.kind, port.master, port.up, port.mtu, port.parent) == (
        "veth",
        bridge.ifindex,
        True,
        1400,
        pair.ifindex,
    )
    assert (pair.kind, pair.mac, pair.mtu, pair.parent) == ("veth", "02:00:00:00:00:02", 1400, port.ifindex)
    assert links.listed(netlink, master=bridge.ifindex) == [port]
    assert links.find(netlink, "eth0") == [None]


def test_a_bridge_keeps_its_mac(netlink, pair):
    """A bridge keeps its configured MAC, whatever ports are added."""
    (bridge,) = links.find(netlink, "br")
    assert (bridge.mac, bridge.up, bridge.kind) == ("02:00:00:00:00:01", True, "bridge")


def test_an_interface_is_changed(netlink, pair):
    """Name, MTU, MAC, state and bridge of an interface are changed, separately or together."""
    (port,) = links.find(netlink, "port")
    netlink.ask(links.change(port, up=False))
    netlink.ask(links.change(port, name="new", mtu=1300, mac="02:00:00:00:00:07", master=0))
    (found,) = links.find(netlink, "new")
    assert found._replace(parent=0) == links.Link(
        port.ifindex, "new", "veth", "02:00:00:00:00:07", 1300, 0, up=False, parent=0
    )


@pytest.mark.parametrize("on", [True, False])
def test_a_port_sends_back(space, netlink, pair, on):
    """A port's hairpin mode is switched on and off."""
    netlink.batch([links.hairpin("port", on=True), links.hairpin("port", on=on)])
    program = ["nsenter", f"--net={space}", "bridge", "-d", "link", "show", "dev", "port"]
    with os.popen(" ".join(program)) as told:
        assert f"hairpin {'on' if on else 'off'}" in told.read()


def test_deleting_one_end_deletes_both(netlink, other, pair):
    """Deleting either end deletes a pair, and deleting a missing interface is not an error."""
    netlink.batch([links.delete("port"), links.delete("port")])
    with Netlink(other) as inside:
        assert links.find(inside, "eth0") == [None]


@pytest.mark.parametrize("mode", links.MACVLAN_MODES)
def test_a_macvlan_is_made_into_another_namespace(netlink, other, pair, mode):
    """A macvlan of each mode appears in its namespace, on the parent here; passthru has its MAC."""
    netlink.ask(links.delete("br"))
    (parent,) = links.find(netlink, "port")
    fd = os.open(other, os.O_RDONLY)
    netlink.ask(links.macvlan("mac0", parent.ifindex, mode=mode, mac="02:00:00:00:00:09", netns_fd=fd))
    os.close(fd)
    with Netlink(other) as inside:
        (made,) = links.find(inside, "mac0")
    mac = parent.mac if mode == "passthru" else "02:00:00:00:00:09"
    assert (made.kind, made.mac, made.parent) == ("macvlan", mac, parent.ifindex)


@pytest.mark.parametrize("kind", ["vlan", "ipvlan", "dummy"])
def test_a_kind_that_the_kernel_may_lack(netlink, pair, kind):
    """A vlan, ipvlan or dummy is created, or the kernel's message says that it is unsupported."""
    (parent,) = links.find(netlink, "port")
    made = {
        "vlan": links.vlan("x", parent.ifindex, 7),
        "ipvlan": links.ipvlan("x", parent.ifindex, mode="l3"),
        "dummy": links.dummy("x"),
    }[kind]
    if Path("/proc/modules").exists() and Path(f"/sys/module/{kind}").exists():
        netlink.ask(made)
        assert links.find(netlink, "x")[0].kind == kind
    else:
        with pytest.raises(OSError, match="Unknown device type"):
            netlink.ask(made)


def test_a_name_of_any_bytes_is_told(netlink):
    """An interface whose name is not UTF-8 is listed and found."""
    netlink.ask(links.bridge("\udcff", mac="02:00:00:00:00:01"))
    assert links.listed(netlink, kind="bridge")[0].name == "\udcff"
    assert links.find(netlink, "\udcff")[0].kind == "bridge"


def test_here_is_the_thread_that_calls(space, netlink, pair):
    """Without a namespace the socket is in the calling thread's."""

    def found() -> str:
        with Netlink() as here:
            return links.find(here, "br")[0].name

    assert netns.call(space, found) == "br"
