# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, change, list and delete network interfaces; sources: rtnetlink(7), <linux/if_link.h>, ip-link(8).

Changes are returned as a ``Request``, for ``Netlink.batch``.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Sequence
from typing import NamedTuple, Optional

from .netlink import CREATE, EXCL, Netlink, Request, attribute, attributes, nested

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK = 16, 17, 18, 19

_INFO = struct.Struct("=BxHiII")  # struct ifinfomsg
_UP = 0x1

IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_MASTER, IFLA_LINKINFO = 1, 3, 4, 5, 10, 18
IFLA_NET_NS_FD, IFLA_EXT_MASK = 28, 29
_SKIP_STATS = 1 << 3

IFLA_INFO_KIND, IFLA_INFO_DATA, IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA = 1, 2, 4, 5
_VETH_PEER = 1
_MACVLAN_MODE = 1
_IPVLAN_MODE = 1
_VLAN_ID = 1
_BR_VLAN_FILTERING, _BR_VLAN_DEFAULT_PVID = 7, 39
_BRPORT_MODE = 4
#: <linux/if_bridge.h>: the VLANs of a port.
_AF_BRIDGE, _AF_SPEC, _BRIDGE_VLAN_INFO = 7, 26, 2
_PVID, _UNTAGGED, _RANGE_BEGIN, _RANGE_END = 1 << 1, 1 << 2, 1 << 3, 1 << 4
_LAST_VLAN = 4094

#: <linux/if_link.h>
MACVLAN_MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8}
IPVLAN_MODES = {"l2": 0, "l3": 1, "l3s": 2}


#: The index that no interface has.
_NO_INDEX = 2**31 - 1


class Link(NamedTuple):
    """An interface.

    ``parent`` is the index of a veth's peer or of the underlying interface, perhaps in another namespace.
    """

    ifindex: int
    name: str
    kind: str
    mac: str
    mtu: int
    master: int
    up: bool
    parent: int


def bridge(name: str, *, mac: str, mtu: int = 0, vlan: int = 0) -> Request:
    """Return the request that creates a bridge, up; ``vlan`` is the VLAN of untagged frames.

    Without an explicit MAC the bridge would change its own with its ports.
    """
    data = [attribute(_BR_VLAN_FILTERING, b"\1"), _u16(_BR_VLAN_DEFAULT_PVID, vlan)] if vlan else []
    return _creation(name, "bridge", data, mac=mac, mtu=mtu, up=True)


def veth(
    name: str, peer: str, *, peer_mac: str, mtu: int = 0, master: int = 0, netns_fd: Optional[int] = None
) -> Request:
    """Return the request that creates a veth pair.

    ``name`` is here, up, and a port of the bridge ``master``; ``peer`` is in another namespace.
    """
    other = _INFO.pack(0, 0, 0, 0, 0) + _attributes(peer, mac=peer_mac, mtu=mtu, netns_fd=netns_fd)
    return _creation(name, "veth", [nested(_VETH_PEER, other)], mtu=mtu, master=master, up=True)


def macvlan(
    name: str,
    parent: int,
    *,
    mode: str = "bridge",
    mac: str = "",
    mtu: int = 0,
    netns_fd: Optional[int] = None,
) -> Request:
    """Return the request that creates a macvlan on the interface ``parent``, in another namespace."""
    data = [attribute(_MACVLAN_MODE, MACVLAN_MODES[mode])]
    return _creation(name, "macvlan", data, parent=parent, mac=mac, mtu=mtu, netns_fd=netns_fd)


def ipvlan(
    name: str, parent: int, *, mode: str = "l2", mtu: int = 0, netns_fd: Optional[int] = None
) -> Request:
    """Return the request that creates an ipvlan on the interface ``parent``, in another namespace."""
    data = [_u16(_IPVLAN_MODE, IPVLAN_MODES[mode])]
    return _creation(name, "ipvlan", data, parent=parent, mtu=mtu, netns_fd=netns_fd)


def vlan(name: str, parent: int, tag: int) -> Request:
    """Return the request that creates an interface for the frames of ``parent`` with this VLAN tag."""
    return _creation(name, "vlan", [_u16(_VLAN_ID, tag)], parent=parent, up=True)


def dummy(name: str) -> Request:
    """Return the request that creates a dummy interface, up."""
    return _creation(name, "dummy", [], up=True)


def change(
    link: Link,
    *,
    up: Optional[bool] = None,
    name: str = "",
    mac: str = "",
    mtu: int = 0,
    master: Optional[int] = None,
) -> Request:
    """Return the request that changes an interface; ``master`` 0 detaches it from its bridge."""
    header = _header(index=link.ifindex, up=up)
    wanted = _attributes(name, mac=mac, mtu=mtu, master=master)
    return Request(RTM_SETLINK, header + wanted, f"network interface {link.name}")


def port_vlan(port: Link, tag: int) -> Request:
    """Return the request that sets a bridge port's VLAN.

    Untagged frames that arrive at the port get its tag, and it is removed from those that leave.
    """
    header = _INFO.pack(_AF_BRIDGE, 0, port.ifindex, 0, 0)
    return Request(
        RTM_SETLINK,
        header + nested(_AF_SPEC, _vlan_info(_PVID | _UNTAGGED, tag)),
        f"port {port.name} of a bridge",
    )


def no_other_vlans(port: Link, tag: int) -> Request:
    """Return the request that removes a bridge port from all VLANs but one.

    A new port is in the bridge's default VLAN.
    """
    header = _INFO.pack(_AF_BRIDGE, 0, port.ifindex, 0, 0)
    others = _vlan_range(1, tag - 1) + _vlan_range(tag + 1, _LAST_VLAN)
    return Request(RTM_DELLINK, header + nested(_AF_SPEC, others), f"port {port.name} of a bridge")


def hairpin(name: str, *, on: bool) -> Request:
    """Return the request that sets a bridge port's hairpin mode: whether it gets its own frames back."""
    data = nested(IFLA_INFO_SLAVE_DATA, attribute(_BRPORT_MODE, bytes([on])))
    info = nested(IFLA_LINKINFO, attribute(IFLA_INFO_SLAVE_KIND, "bridge"), data)
    return Request(RTM_NEWLINK, _header() + attribute(IFLA_IFNAME, name) + info, f"port {name} of a bridge")


def delete(name: str) -> Request:
    """Return the request that deletes an interface, a veth with its peer; it need not exist."""
    body = _header() + attribute(IFLA_IFNAME, name)
    return Request(RTM_DELLINK, body, f"network interface {name}", fine=(errno.ENODEV,))


def find(netlink: Netlink, *names: str) -> list[Optional[Link]]:
    """Return the interfaces of these names, None for missing ones, in a single round trip."""
    return [_link(answer) if answer else None for answer in netlink.batch([_query(name) for name in names])]


def listed(netlink: Netlink, *, master: int = 0, kind: str = "") -> list[Link]:
    """Return all interfaces, or only a bridge's ports, or those of a kind."""
    body = _header() + attribute(IFLA_EXT_MASK, _SKIP_STATS)
    if master:
        body += attribute(IFLA_MASTER, master)
    found = map(_link, netlink.dump(Request(RTM_GETLINK, body, "network interfaces")))
    # An old kernel does not filter.
    return [link for link in found if master in (0, link.master) and kind in ("", link.kind)]


def knows(netlink: Netlink, kind: str) -> bool:
    """Return whether the kernel supports a kind of interface that needs a parent.

    The probe requests one without a valid parent, so that nothing is created.
    """
    try:
        netlink.ask(_creation("sw-probe", kind, [], parent=_NO_INDEX))
    except OSError as error:
        return error.errno != errno.EOPNOTSUPP
    return True


def _query(name: str) -> Request:
    body = _header() + attribute(IFLA_IFNAME, name) + attribute(IFLA_EXT_MASK, _SKIP_STATS)
    return Request(RTM_GETLINK, body, f"network interface {name}", fine=(errno.ENODEV,))


def _header(index: int = 0, *, up: Optional[bool] = None) -> bytes:
    return _INFO.pack(0, 0, index, _UP if up else 0, 0 if up is None else _UP)


def _creation(
    name: str,
    kind: str,
    data: Sequence[bytes],
    *,
    up: Optional[bool] = None,
    parent: int = 0,
    mac: str = "",
    mtu: int = 0,
    master: int = 0,
    netns_fd: Optional[int] = None,
) -> Request:
    body = _header(up=up) + _attributes(name, mac=mac, mtu=mtu, master=master or None, netns_fd=netns_fd)
    if parent:
        body += attribute(IFLA_LINK, parent)
    body += nested(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, kind), nested(IFLA_INFO_DATA, *data))
    return Request(RTM_NEWLINK, body, f"{kind} {name}", CREATE | EXCL)


def _vlan_info(flags: int, tag: int) -> bytes:
    return attribute(_BRIDGE_VLAN_INFO, struct.pack("=HH", flags, tag))


def _vlan_range(first: int, last: int) -> bytes:
    if first < last:
        return _vlan_info(_RANGE_BEGIN, first) + _vlan_info(_RANGE_END, last)
    return _vlan_info(0, first) if first == last else b""


def _u16(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=H", value))


def _attributes(
    name: str, *, mac: str = "", mtu: int = 0, master: Optional[int] = None, netns_fd: Optional[int] = None
) -> bytes:
    found = []
    if name:
        found.append(attribute(IFLA_IFNAME, name))
    if mac:
        found.append(attribute(IFLA_ADDRESS, bytes.fromhex(mac.replace(":", ""))))
    if mtu:
        found.append(attribute(IFLA_MTU, mtu))
    if master is not None:
        found.append(attribute(IFLA_MASTER, master))
    if netns_fd is not None:
        found.append(attribute(IFLA_NET_NS_FD, netns_fd))
    return b"".join(found)


def _link(payload: bytes) -> Link:
    _family, _type, index, flags, _change = _INFO.unpack_from(payload)
    found = attributes(payload[_INFO.size :])
    info = attributes(found.get(IFLA_LINKINFO, b""))
    return Link(
        index,
        _text(found, IFLA_IFNAME),
        _text(info, IFLA_INFO_KIND),
        found.get(IFLA_ADDRESS, b"").hex(":"),
        _number(found, IFLA_MTU),
        _number(found, IFLA_MASTER),
        bool(flags & _UP),
        _number(found, IFLA_LINK),
    )


def _text(found: dict[int, bytes], kind: int) -> str:
    return found.get(kind, b"").rstrip(b"\0").decode("utf-8", "surrogateescape")


def _number(found: dict[int, bytes], kind: int) -> int:
    return int(struct.unpack("=I", found[kind])[0]) if kind in found else 0
