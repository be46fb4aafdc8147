# SPDX-License-Identifier: GPL-3.0-or-later
"""Create the bridge of a network, and attach containers to it by veth pairs.

All functions are idempotent, also after a kill at any point: they keep what exists, and add what is missing. A bridge of the
engine is recognized by its MAC address, which derives from the network's ID. Every function acts in the network namespace of
its caller.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Optional

from ..errors import HostLacks, NameInUse, NotFound
from ..kernel.net import addresses, links, netns, sysctl
from ..kernel.net.netlink import Netlink, Request
from ..model.network.interfaces import is_host_end
from ..model.network.spec import NetworkRecord
from ..model.network.wiring import Attachment
from . import forwarding, inside
from .way_out import way_out

#: A metric with lower precedence than the route of lo, which has 0.
_BEHIND_LO = 4096


class Bridge(NamedTuple):
    """The observed state of a network's bridge: whether the engine created it, and the names of its ports."""

    is_own: bool
    is_up: bool
    mtu: int
    addresses: tuple[str, ...]
    ports: tuple[str, ...]


def is_managed(record: NetworkRecord) -> bool:
    """Return whether the engine creates and removes the bridge; it does not with ``mode=unmanaged``."""
    return record.spec.options.get("mode") != "unmanaged"


def ensure(record: NetworkRecord) -> tuple[sysctl.Changed, ...]:
    """Create or complete the network's bridge with the addresses of its gateways; return the changed kernel parameters.

    Raises NameInUse if another interface has its name, NotFound if an unmanaged bridge does not exist, HostLacks, OSError.
    """
    with Netlink() as netlink:
        if not is_managed(record):
            _there(netlink, record)
            return ()
        mtu = int(record.spec.options.get("mtu", 0))
        (link,) = links.find(netlink, record.interface)
        if link is None:
            made = links.bridge(
                record.interface, mac=_mac(record), mtu=mtu or _mtu_outside(netlink), vlan=_vlan(record)
            )
            with _vlans(record):
                netlink.ask(made)
            link = _there(netlink, record)
        _refuse_foreign(record, link)
        changed = forwarding.ensure(
            record
        )  # before the addresses, because IPv6 may be disabled for new interfaces
        netlink.batch(
            [
                links.change(link, up=True, mtu=mtu if mtu != link.mtu else 0),
                *(addresses.add(link.ifindex, address) for address in _gateways(record)),
                *_loopback(record, link),
            ]
        )
    return changed


def check(record: NetworkRecord) -> None:
    """Check the host's interfaces as ``ensure`` does. Raises NameInUse or NotFound."""
    with Netlink() as netlink:
        (link,) = links.find(netlink, record.interface)
        if not is_managed(record):
            _there(netlink, record)
        elif link is not None:
            _refuse_foreign(record, link)


def forget_gateways(former: NetworkRecord, record: NetworkRecord) -> None:
    """Remove the addresses from a bridge that are in a former record of the network, but not in the current one."""
    gone = {*_gateways(former)} - {*_gateways(record)}
    with Netlink() as netlink:
        (link,) = links.find(netlink, record.interface)
        if link is not None and is_managed(record) and _is_own(record, link):
            netlink.batch([addresses.remove(link.ifindex, address) for address in sorted(gone)])


def remove(record: NetworkRecord) -> None:
    """Remove the network's bridge if it exists and the engine created it."""
    with Netlink() as netlink:
        (link,) = links.find(netlink, record.interface)
        if link is not None and is_managed(record) and _is_own(record, link):
            netlink.ask(links.delete(record.interface))


def observe(record: NetworkRecord) -> Optional[Bridge]:
    """Return the state of the network's bridge, None if there is no interface of that name."""
    with Netlink() as netlink:
        (link,) = links.find(netlink, record.interface)
        if link is None:
            return None
        found = tuple(item.address for item in addresses.listed(netlink, link.ifindex))
        ports = tuple(port.name for port in links.listed(netlink, master=link.ifindex))
        return Bridge(_is_own(record, link), link.up, link.mtu, found, ports)


def attach(record: NetworkRecord, netns_path: str, attachment: Attachment) -> None:
    """Create the interface of an attachment in the network namespace at a path, configured and connected to the bridge.

    Raises NotFound without the bridge, NameInUse if another interface has the name of one of the two ends, OSError.
    """
    with Netlink() as netlink, inside.opened(netns_path) as netns_fd:
        bridge, host_end = links.find(netlink, record.interface, attachment.host_interface)
        if bridge is None:
            raise _no_bridge(record)
        if host_end is not None and not _is_pair(netns_fd, attachment, host_end):
            _refuse_others(host_end, bridge)
            netlink.ask(links.delete(attachment.host_interface))
            host_end = None
        try:
            netlink.batch([*_host_end(attachment, bridge, host_end, netns_fd), *_hairpin(attachment)])
        except FileExistsError:
            raise inside.name_in_use(attachment) from None
        if not is_managed(record) and _vlan(record):
            _tag_port(netlink, record, attachment)
        netns.call(netns_fd, lambda: inside.complete(attachment))


def detach(attachment: Attachment) -> None:
    """Remove both ends of an attachment's interface; do nothing if they are gone."""
    with Netlink() as netlink:
        (host_end,) = links.find(netlink, attachment.host_interface)
        if host_end is not None and host_end.kind == "veth":
            netlink.ask(links.delete(attachment.host_interface))


def is_attached(attachment: Attachment) -> bool:
    """Return whether the host's end of an attachment exists, is in a bridge and up; the container's end then exists too."""
    with Netlink() as netlink:
        (host_end,) = links.find(netlink, attachment.host_interface)
        return host_end is not None and host_end.up and host_end.master != 0


def _vlan(record: NetworkRecord) -> int:
    return int(record.spec.options.get("vlan", 0))


@contextmanager
def _vlans(record: NetworkRecord) -> Iterator[None]:
    """Translate the error of a kernel whose bridges do not support VLANs into HostLacks."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP or not _vlan(record):
            raise
        raise HostLacks(
            f"network {record.name!r} has a vlan, which bridges of this kernel do not support (CONFIG_BRIDGE_VLAN_FILTERING)",
            remedy="Leave out vlan in the network's opt",
            feature="vlan",
        ) from None


def _tag_port(netlink: Netlink, record: NetworkRecord, attachment: Attachment) -> None:
    (host_end,) = links.find(netlink, attachment.host_interface)
    if host_end is not None:
        with _vlans(record):
            netlink.batch([make(host_end, _vlan(record)) for make in (links.port_vlan, links.no_other_vlans)])


def _mtu_outside(netlink: Netlink) -> int:
    """Return the MTU of the interface of the host's default route, 0 if there is none: larger packets could not pass it."""
    link = way_out(netlink)
    return link.mtu if link else 0


def _there(netlink: Netlink, record: NetworkRecord) -> links.Link:
    (link,) = links.find(netlink, record.interface)
    if link is None:
        raise _no_bridge(record)
    if link.kind != "bridge":
        raise _name_in_use(record, link) if is_managed(record) else _no_bridge(record, link)
    return link


def _no_bridge(record: NetworkRecord, link: Optional[links.Link] = None) -> NotFound:
    but = f"; {link.name} is another kind of interface" if link is not None else ""
    return NotFound(
        "bridge", record.interface, remedy=f"Create the bridge, which network {record.name!r} needs{but}"
    )


def _refuse_foreign(record: NetworkRecord, link: links.Link) -> None:
    if not _is_own(record, link):
        raise _name_in_use(record, link)


def _name_in_use(record: NetworkRecord, link: links.Link) -> NameInUse:
    kind = f"a {link.kind}" if link.kind else "a device"
    return NameInUse(
        f"network {record.name!r} needs the interface name {link.name}, which is in use: {kind} that the engine did not create",
        remedy="Choose another interface_name for the network, or remove that interface",
        interface=link.name,
        network=record.name,
    )


def _is_own(record: NetworkRecord, link: links.Link) -> bool:
    return link.kind == "bridge" and link.mac == _mac(record)


def _mac(record: NetworkRecord) -> str:
    """Return the MAC of a bridge: a locally administered unicast address (IEEE 802) with digits of the ID."""
    return ":".join(["02", *(record.id[at : at + 2] for at in range(0, 10, 2))])


def _gateways(record: NetworkRecord) -> list[str]:
    return [
        f"{subnet.gateway}/{subnet.subnet.partition('/')[2]}" for subnet in record.subnets if subnet.gateway
    ]


def _loopback(record: NetworkRecord, link: links.Link) -> list[Request]:
    # Ports are reachable at ::1 of the host: the answer, translated back to ::1, is accepted only on a link with this route. The
    # kernel drops packets to ::1 that come from the link itself earlier (RFC 4291, 2.5.3).
    leads_out = not record.spec.internal and any(subnet.version == 6 for subnet in record.subnets)
    return [addresses.add_local_route(link.ifindex, "::1/128", _BEHIND_LO)] if leads_out else []


def _refuse_others(host_end: links.Link, bridge: links.Link) -> None:
    """Check that a veth is a remnant of an attachment to this bridge. Raises NameInUse otherwise."""
    if host_end.master != bridge.ifindex and not is_host_end(host_end.name):
        raise _end_in_use(host_end, "is not in the network's bridge")


def _end_in_use(host_end: links.Link, why: str) -> NameInUse:
    return NameInUse(
        f"the network interface {host_end.name} already exists on the host and {why}",
        remedy="Remove it, or choose another host_interface_name for the attachment",
        interface=host_end.name,
    )


def _is_pair(netns_fd: int, attachment: Attachment, host_end: links.Link) -> bool:
    """Return whether the host's end and the interface in the namespace are a pair. Raises NameInUse if it is not a veth."""
    if host_end.kind != "veth":
        raise _end_in_use(host_end, "is not a veth")
    with Netlink(netns_fd) as netlink:
        (end,) = links.find(netlink, attachment.interface)
    # Index and parent are in different namespaces, in which numbers repeat; the MAC is unique to this attachment.
    return end is not None and (end.ifindex, end.parent, end.mac) == (
        host_end.parent,
        host_end.ifindex,
        attachment.mac,
    )


def _host_end(
    attachment: Attachment, bridge: links.Link, host_end: Optional[links.Link], netns_fd: int
) -> list[Request]:
    mtu = attachment.mtu or bridge.mtu
    if host_end is not None:
        return [links.change(host_end, up=True, master=bridge.ifindex, mtu=mtu)]
    return [
        links.veth(
            attachment.host_interface,
            attachment.interface,
            peer_mac=attachment.mac,
            mtu=mtu,
            master=bridge.ifindex,
            netns_fd=netns_fd,
        )
    ]


def _hairpin(attachment: Attachment) -> list[Request]:
    # If bridged frames pass the IP filters, packets of a container to its own published port return through its own bridge port.
    filtered = forwarding.filters_bridged(4) or forwarding.filters_bridged(6)
    return [links.hairpin(attachment.host_interface, on=True)] if filtered else []
