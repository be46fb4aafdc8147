# SPDX-License-Identifier: GPL-3.0-or-later
"""Attach containers directly to an interface of the host: drivers macvlan and ipvlan.

Sources: podman-network-create(1), ip-link(8). All functions are idempotent. Nothing is created on the host: the interface exists
only in the container's namespace, and is removed with it.
"""

from __future__ import annotations

from ..errors import HostLacks, NotFound
from ..kernel.net import links, netns
from ..kernel.net.netlink import Netlink, Request
from ..model.network.spec import MACVLAN, NetworkRecord
from ..model.network.wiring import Attachment
from . import inside
from .way_out import way_out


def check(record: NetworkRecord) -> None:
    """Check that an attachment can succeed. Raises as ``attach`` does, and HostLacks if the kernel lacks the driver."""
    with Netlink() as netlink:
        _parent(netlink, record)
        if not links.knows(netlink, record.spec.driver):
            driver = record.spec.driver
            raise HostLacks(
                f"network {record.name!r} has the driver {driver}, which this kernel does not support (CONFIG_{driver.upper()})",
                remedy="Choose another driver",
                feature=driver,
            )


def attach(record: NetworkRecord, netns_path: str, attachment: Attachment) -> None:
    """Create the interface of an attachment in the network namespace at a path, and configure it.

    Raises NotFound without the parent interface, HostLacks if none is named and there is no default route, NameInUse if the
    container has another interface of that name, OSError with the kernel's message if it lacks the driver.
    """
    with Netlink() as netlink, inside.opened(netns_path) as netns_fd, Netlink(netns_fd) as within:
        parent = _parent(netlink, record)
        (found,) = links.find(within, attachment.interface)
        if found is None or (found.kind, found.parent) != (record.spec.driver, parent.ifindex):
            _make(netlink, within, attachment, _made(record, attachment, parent, netns_fd))
        netns.call(netns_fd, lambda: inside.complete(attachment))


def detach(netns_path: str, attachment: Attachment) -> None:
    """Remove the interface of an attachment; do nothing if it or its namespace is gone."""
    try:
        with Netlink(netns_path) as netlink:
            netlink.ask(links.delete(attachment.interface))
    except FileNotFoundError:
        return


def _parent(netlink: Netlink, record: NetworkRecord) -> links.Link:
    """Return the parent interface of the network: the one in its options, otherwise that of the host's default route."""
    name = record.spec.options.get("parent", "")
    found = links.find(netlink, name)[0] if name else way_out(netlink)
    if found is None and not name:
        raise HostLacks(
            f"network {record.name!r} names no parent, and the host has no default route to use its interface",
            remedy="Set parent in its opt",
        )
    if found is None:
        raise NotFound(
            "network interface", name, remedy=f"Create it, or change the parent of network {record.name!r}"
        )
    return found


def _make(netlink: Netlink, within: Netlink, attachment: Attachment, wanted: Request) -> None:
    """Create the interface and name it.

    Linux 6.1 (Debian 12) refuses a name that the host itself uses, such as eth0, for an interface in another namespace. The
    interface is therefore created with a unique name, like the host's end of a pair, and renamed in the namespace.
    """
    (half,) = links.find(within, attachment.host_interface)
    if half is None:  # otherwise a killed attachment created it
        netlink.ask(wanted)
        (half,) = links.find(within, attachment.host_interface)
    if half is None:
        raise NotFound("network interface", attachment.host_interface)
    try:
        within.ask(links.change(half, name=attachment.interface))
    except FileExistsError:
        within.ask(links.delete(attachment.host_interface))
        raise inside.name_in_use(attachment) from None


def _made(record: NetworkRecord, attachment: Attachment, parent: links.Link, netns_fd: int) -> Request:
    mode = record.spec.options.get("mode", "")
    name, mtu = attachment.host_interface, attachment.mtu
    if record.spec.driver != MACVLAN:
        return links.ipvlan(name, parent.ifindex, mode=mode or "l2", mtu=mtu, netns_fd=netns_fd)
    return links.macvlan(
        name, parent.ifindex, mode=mode or "bridge", mac=attachment.mac, mtu=mtu, netns_fd=netns_fd
    )
