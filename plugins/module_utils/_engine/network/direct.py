# SPDX-License-Identifier: GPL-3.0-or-later
"""Attach containers straight to an interface of the host: drivers macvlan and ipvlan.

Sources: podman-network-create(1), ip-link(8). All of it can be repeated. There is nothing on the host: the interface is in the
container's namespace alone and ends with it.
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
    """Raise what an attachment could only fail with: as there, and HostLacks where the kernel has no such driver."""
    with Netlink() as netlink:
        _parent(netlink, record)
        if not links.knows(netlink, record.spec.driver):
            driver = record.spec.driver
            raise HostLacks(
                f"the network {record.name!r} is of driver {driver}, and this kernel has none (CONFIG_{driver.upper()})",
                remedy="Give it another driver",
                feature=driver,
            )


def attach(record: NetworkRecord, netns_path: str, attachment: Attachment) -> None:
    """Give the network namespace at a path the interface of an attachment, ready to be used.

    Raises NotFound without the interface of the host, HostLacks where none is named and there is no default route, NameInUse when
    the container has another one of that name, OSError with the kernel's words where it has no such driver.
    """
    with Netlink() as netlink, inside.opened(netns_path) as netns_fd, Netlink(netns_fd) as within:
        parent = _parent(netlink, record)
        (found,) = links.find(within, attachment.interface)
        if found is None or (found.kind, found.parent) != (record.spec.driver, parent.ifindex):
            _make(netlink, within, attachment, _made(record, attachment, parent, netns_fd))
        netns.call(netns_fd, lambda: inside.complete(attachment))


def detach(netns_path: str, attachment: Attachment) -> None:
    """Remove the interface of an attachment; one that is gone is fine, and so is a namespace that is gone."""
    try:
        with Netlink(netns_path) as netlink:
            netlink.ask(links.delete(attachment.interface))
    except FileNotFoundError:
        return


def _parent(netlink: Netlink, record: NetworkRecord) -> links.Link:
    """Return the interface that the network lies on: the one of its options, else that of the host's default route."""
    name = record.spec.options.get("parent", "")
    found = links.find(netlink, name)[0] if name else way_out(netlink)
    if found is None and not name:
        raise HostLacks(
            f"the network {record.name!r} names no parent, and the host has no default route whose interface would be it",
            remedy="Write parent in its opt",
        )
    if found is None:
        raise NotFound("network interface", name, remedy=f"Network {record.name!r} needs it as its parent")
    return found


def _make(netlink: Netlink, within: Netlink, attachment: Attachment, wanted: Request) -> None:
    """Make the interface and give it its name.

    Linux 6.1, of Debian 12, refuses a name that the host uses itself, such as eth0, for an interface of another namespace: so the
    interface is made with a name of its own, as the host's end of a pair has, and renamed inside.
    """
    (half,) = links.find(within, attachment.host_interface)
    if half is None:  # else a killed attachment has made it
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
