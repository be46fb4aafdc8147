# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations of networks in our words and in podman's: what both engines are tried with."""

from __future__ import annotations

from typing import Any, NamedTuple

from netlab import HOST4, HOST6, OUTSIDE4


class Case(NamedTuple):
    """A configuration in our words and in podman's, and who asks for the server by what.

    ``networks``: those of the case by name, in both words. ``reach``: who gets an answer at what, ``closed``: who gets none:
    outside, the host, itself, the peer, which is in network six, and far, which is in network other.
    """

    options: dict[str, Any]
    words: str = ""
    networks: dict[str, tuple[dict[str, Any], str]] = {}  # noqa: RUF012
    reach: tuple[tuple[str, str], ...] = ()
    closed: tuple[tuple[str, str], ...] = ()


NETWORKS = {
    "six": ({"subnet": ["10.97.0.0/24", "fd97::/64"]}, "--subnet 10.97.0.0/24 --subnet fd97::/64"),
    "other": (
        {"subnet": ["10.98.0.0/24"], "opt": {"isolate": True}},
        "--subnet 10.98.0.0/24 -o isolate=true",
    ),
}
#: Containers that are there all the time, with the network of each.
PEERS = {"peer": "six", "far": "other"}

CASES = {
    "nothing": Case({}),
    "default network by name": Case({"network": ["bridge"]}, "--network bridge"),
    "addresses": Case(
        {
            "network": ["six"],
            "ip": "10.97.0.7",
            "ip6": "fd97::7",
            "mac_address": "92:d0:c6:0a:29:33",
            "network_aliases": ["db"],
        },
        "--network six --ip 10.97.0.7 --ip6 fd97::7 --mac-address 92:d0:c6:0a:29:33 --network-alias db",
        reach=(
            ("peer", "box"),
            ("peer", "db"),
            ("peer", "10.97.0.7"),
            ("peer", "[fd97::7]"),
            ("host", "10.97.0.7"),
            ("far", "10.97.0.7"),
            ("itself", "box"),
        ),
        closed=(("far", "db"),),
    ),
    "link-local": Case(
        {"network": ["six:ip=10.97.0.11,ip=fd97::11"], "link_local_ip": "169.254.7.1"},
        "--network six:ip=10.97.0.11,ip=fd97::11",
    ),
    "words after a name": Case(
        {"network": ["six:ip=10.97.0.8,ip=fd97::8,mac=92:d0:c6:0a:29:34,alias=www,interface_name=net0"]},
        "--network six:ip=10.97.0.8,ip=fd97::8,mac=92:d0:c6:0a:29:34,alias=www,interface_name=net0",
    ),
    "two networks": Case(
        {
            "network": [
                "six:ip=10.97.0.9,ip=fd97::9,interface_name=eth0",
                "other:ip=10.98.0.9,interface_name=eth1",
            ]
        },
        "--network six:ip=10.97.0.9,ip=fd97::9,interface_name=eth0"
        " --network other:ip=10.98.0.9,interface_name=eth1",
        reach=(("far", "box"), ("itself", "peer"), ("itself", "far")),
    ),
    "ports": Case(
        {
            "network": ["six:ip=10.97.0.21,ip=fd97::21"],
            "publish": [
                "8080:80",
                "127.0.0.1:8081:80",
                f"{HOST4}:8082:80",
                f"[{HOST6}]:8083:80",
                "8090-8091:80-81",
                "8053:53/udp",
            ],
        },
        "--network six:ip=10.97.0.21,ip=fd97::21 -p 8080:80 -p 127.0.0.1:8081:80"
        f" -p {HOST4}:8082:80 -p [{HOST6}]:8083:80 -p 8090-8091:80-81 -p 8053:53/udp",
        reach=(
            ("outside", f"{HOST4}:8080"),
            ("outside", f"[{HOST6}]:8080"),
            ("host", "127.0.0.1:8080"),
            ("host", f"{HOST4}:8080"),
            ("peer", f"{HOST4}:8080"),
            ("peer", "10.97.0.1:8080"),
            ("far", f"{HOST4}:8080"),
            ("itself", f"{HOST4}:8080"),
            ("host", "127.0.0.1:8081"),
            ("outside", f"{HOST4}:8082"),
            ("outside", f"[{HOST6}]:8083"),
            ("outside", f"{HOST4}:8091"),
        ),
        closed=(
            ("outside", f"{HOST4}:8081"),
            ("peer", f"{HOST4}:8081"),
            ("peer", "10.97.0.1:8081"),
            ("host", "127.0.0.1:8082"),
        ),
    ),
    "any ports": Case(
        {"network": ["six:ip=10.97.0.22,ip=fd97::22"], "publish": ["81", "127.0.0.1::80"]},
        "--network six:ip=10.97.0.22,ip=fd97::22 -p 81 -p 127.0.0.1::80",
    ),
    "all ports": Case(
        {"network": ["six:ip=10.97.0.23,ip=fd97::23"], "publish_all": True, "expose": ["81-82", "53/udp"]},
        "--network six:ip=10.97.0.23,ip=fd97::23 -P --expose 81-82 --expose 53/udp",
    ),
    "exposed": Case(
        {"network": ["six:ip=10.97.0.24,ip=fd97::24"], "expose": ["81", "53/udp"]},
        "--network six:ip=10.97.0.24,ip=fd97::24 --expose 81 --expose 53/udp",
    ),
    "resolver": Case(
        {
            "network": ["six:ip=10.97.0.25,ip=fd97::25"],
            "dns": ["192.0.2.53", "2001:db8::53"],
            "dns_search": ["a.example", "b.example"],
            "dns_option": ["ndots:2", "edns0"],
        },
        "--network six:ip=10.97.0.25,ip=fd97::25 --dns 192.0.2.53 --dns 2001:db8::53"
        " --dns-search a.example --dns-search b.example"
        " --dns-option ndots:2 --dns-option edns0",
        reach=(("itself", "peer.dns.podman"),),
    ),
    "resolver without names": Case(
        {"network": ["silent"], "dns": ["192.0.2.53"], "dns_search": ["."]},
        "--network silent --dns 192.0.2.53 --dns-search .",
        {"silent": ({"subnet": "10.99.1.0/24", "disable_dns": True}, "--subnet 10.99.1.0/24 --disable-dns")},
    ),
    "no resolver": Case(
        {"network": ["six:ip=10.97.0.26,ip=fd97::26"], "dns": ["none"]},
        "--network six:ip=10.97.0.26,ip=fd97::26 --dns none",
    ),
    "hosts": Case(
        {"network": ["six:ip=10.97.0.27,ip=fd97::27"], "etc_hosts": {"one": "10.0.0.5", "two": "10.0.0.5"}},
        "--network six:ip=10.97.0.27,ip=fd97::27 --add-host one:10.0.0.5 --add-host two:10.0.0.5",
    ),
    "no hosts": Case(
        {"network": ["six:ip=10.97.0.28,ip=fd97::28"], "no_hosts": True},
        "--network six:ip=10.97.0.28,ip=fd97::28 --no-hosts",
    ),
    "none": Case({"network": ["none"]}, "--network none"),
    "host": Case({"network": ["host"]}, "--network host"),
    "of another": Case({"network": ["container:peer"], "hostname": None}, "--network container:peer"),
    "sysctl": Case(
        {"network": ["six:ip=10.97.0.29,ip=fd97::29"], "sysctl": {"net.ipv4.ip_default_ttl": "33"}},
        "--network six:ip=10.97.0.29,ip=fd97::29 --sysctl net.ipv4.ip_default_ttl=33",
    ),
    # -- options of a network, by a container in it
    "net gateway and range": Case(
        {"network": ["n11"]},
        "--network n11",
        {
            "n11": (
                {
                    "subnet": ["10.99.11.0/24", "fd99:11::/64"],
                    "gateway": ["10.99.11.254", "fd99:11::fe"],
                    "ip_range": ["10.99.11.128/25"],
                    "label": {"a": "b"},
                },
                (
                    "--subnet 10.99.11.0/24 --gateway 10.99.11.254 --ip-range 10.99.11.128/25"
                    " --subnet fd99:11::/64 --gateway fd99:11::fe --label a=b"
                ),
            )
        },
    ),
    "net config": Case(
        {"network": ["n12"]},
        "--network n12",
        {
            "n12": (
                {
                    "net_config": [
                        {"subnet": "10.99.12.0/24", "gateway": "10.99.12.9", "ip_range": "10.99.12.64/26"}
                    ]
                },
                "--subnet 10.99.12.0/24 --gateway 10.99.12.9 --ip-range 10.99.12.64/26",
            )
        },
    ),
    "net chosen": Case(
        {"network": ["n13"]}, "--network n13", {"n13": ({"driver": "bridge"}, "--driver bridge")}
    ),
    "net of both": Case(
        {"network": ["n14"]},
        "--network n14",
        {"n14": ({"subnet": ["fd99:14::/64"], "ipv6": True}, "--subnet fd99:14::/64 --ipv6")},
    ),
    "net internal": Case(
        {"network": ["n15"]},
        "--network n15",
        {"n15": ({"subnet": ["10.99.15.0/24"], "internal": True}, "--subnet 10.99.15.0/24 --internal")},
        reach=(("host", "10.99.15.2"),),
        closed=(
            ("outside", f"{HOST4}:8080"),
            ("peer", "10.99.15.2"),
            ("itself", f"{OUTSIDE4}:70"),
        ),
    ),
    "net silent": Case(
        {"network": ["n16"]},
        "--network n16",
        {"n16": ({"subnet": "10.99.16.0/24", "disable_dns": True}, "--subnet 10.99.16.0/24 --disable-dns")},
        reach=(("itself", "box"), ("itself", f"{OUTSIDE4}:70")),
        closed=(("peer", "box"),),
    ),
    "net options": Case(
        {"network": ["n17"]},
        "--network n17",
        {
            "n17": (
                {"subnet": "10.99.17.0/24", "opt": {"mtu": 1400}},
                "--subnet 10.99.17.0/24 -o mtu=1400",
            )
        },
    ),
    "net isolated": Case(
        {"network": ["n18"]},
        "--network n18",
        {
            "n18": (
                {"subnet": "10.99.18.0/24", "opt": {"isolate": True}},
                "--subnet 10.99.18.0/24 -o isolate=true",
            )
        },
        reach=(("host", "10.99.18.2"), ("peer", "10.99.18.2"), ("itself", "10.97.0.2")),
        closed=(("itself", "10.98.0.2"), ("far", "10.99.18.2")),
    ),
    "net macvlan": Case(
        {"network": ["n19"]},
        "--network n19",
        {
            "n19": (
                {
                    "macvlan": "up0",
                    "subnet": "192.0.2.0/24",
                    "ip_range": "192.0.2.128/26",
                    "gateway": "192.0.2.9",
                    "opt": {"mode": "bridge"},
                },
                (
                    "--driver macvlan --subnet 192.0.2.0/24 --ip-range 192.0.2.128/26 --gateway 192.0.2.9"
                    " -o parent=up0 -o mode=bridge"
                ),
            )
        },
        reach=(("outside", "192.0.2.129"), ("itself", f"{OUTSIDE4}:70")),
    ),
    # -- what podman 4.3 knows not, beside a container without it
    "no hostname": Case(
        {"network": ["six:ip=10.97.0.30,ip=fd97::30"], "no_hostname": True},
        "--network six:ip=10.97.0.30,ip=fd97::30",
    ),
    "hosts file": Case(
        {"network": ["six:ip=10.97.0.31,ip=fd97::31"], "hosts_file": "image"},
        "--network six:ip=10.97.0.31,ip=fd97::31",
    ),
    "net newer": Case(
        {"network": ["n20"]},
        "--network n20",
        {
            "n20": (
                {
                    "subnet": "10.99.20.0/24",
                    "interface_name": "net1",
                    "route": ["198.51.100.0/24,10.99.20.9,7"],
                    "dns": ["192.0.2.53"],
                    "opt": {"metric": 77},
                },
                "--subnet 10.99.20.0/24",
            )
        },
    ),
    "net without addresses": Case(
        {"network": ["n21"]}, "--network n21", {"n21": ({"ipam_driver": "none"}, "--ipam-driver none")}
    ),
}
