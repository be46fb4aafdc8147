# SPDX-License-Identifier: GPL-3.0-or-later
"""A task's options of a network: parsing, unset fields, and checks of the whole spec."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption, NotBuiltYet
from _engine.model.network.grammar import parse
from _engine.model.network.spec import NetworkSpec, Route, Subnet
from _engine.model.network.whole import missing_versions, whole

FOUR, SIX = Subnet("10.1.0.0/24", "10.1.0.1"), Subnet("fd00::/64", "fd00::1")
NETS = ["10.1.0.0/24", "fd00::/64"]
OPEN = {
    "driver",
    "interface",
    "subnets",
    "ipv6",
    "internal",
    "dns",
    "dns_servers",
    "routes",
    "ipam_driver",
    "options",
}


def asked(**given) -> NetworkSpec:
    """Return the whole spec of a task for network n."""
    return whole(parse({"name": "n", **given}).spec)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, set()),
        ({"driver": "macvlan"}, {"driver"}),
        ({"macvlan": "eth0"}, {"driver", "options"}),
        ({"subnet": ["10.1.0.0/24"]}, {"subnets", "ipv6"}),
        ({"subnet": []}, {"subnets", "ipv6"}),
        ({"net_config": []}, {"subnets", "ipv6"}),
        ({"ipv6": False}, {"ipv6"}),
        ({"internal": False}, {"internal"}),
        ({"disable_dns": False}, {"dns"}),
        ({"dns": []}, {"dns_servers"}),
        ({"route": []}, {"routes"}),
        ({"opt": {}}, {"options"}),
        ({"opt": ["bridge_name=a"]}, {"options", "interface"}),
        ({"interface_name": "a"}, {"interface"}),
        ({"ipam_driver": "host-local"}, {"ipam_driver"}),
    ],
)
def test_what_a_task_leaves_open(given, said):
    """An unset option is not the same as an empty one: only unset fields are kept."""
    assert parse({"name": "n", **dict.fromkeys(["driver", "subnet"]), **given}).unset == OPEN - said


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, {}),
        ({"subnet": NETS}, {"subnets": (FOUR, SIX)}),
        ({"subnet": "10.1.0.0/24"}, {"subnets": (FOUR,)}),
        (
            {"subnet": NETS, "gateway": ["", "fd00::9"], "ip_range": ["10.1.0.128/25"]},
            {
                "subnets": (
                    Subnet("10.1.0.0/24", "10.1.0.1", "10.1.0.129", "10.1.0.255"),
                    Subnet("fd00::/64", "fd00::9"),
                )
            },
        ),
        (
            {"net_config": [{"subnet": NETS[1], "gateway": "fd00::1"}, {"subnet": NETS[0], "gateway": None}]},
            {"subnets": (SIX, FOUR)},
        ),
        ({"subnet": NETS, "ipv6": True}, {"subnets": (FOUR, SIX)}),
        ({"subnet": NETS[:1], "ipv6": True}, {"subnets": (FOUR,), "ipv6": True}),
        (
            {"subnet": NETS[:1], "internal": True, "disable_dns": True},
            {"subnets": (Subnet(NETS[0]),), "internal": True, "dns": False},
        ),
        (
            {"subnet": NETS[:1], "route": [f"10.{net}.0.0/16,10.1.0.9" for net in (9, 4, 5, 7, 4)]},
            {
                "subnets": (FOUR,),
                "routes": tuple(Route(f"10.{net}.0.0/16", "10.1.0.9") for net in (4, 5, 7, 9)),
            },
        ),
        ({"dns": ["192.0.2.2", "192.0.2.1", "192.0.2.2"]}, {"dns_servers": ("192.0.2.2", "192.0.2.1")}),
        ({"ipam_driver": "host-local"}, {}),
        ({"ipam_driver": "none", "ipv6": True}, {"ipam_driver": "none", "dns": False}),
        (
            {"macvlan": "eth0", "subnet": NETS[0]},
            {"driver": "macvlan", "subnets": (FOUR,), "options": {"parent": "eth0"}},
        ),
        (
            {"driver": "macvlan", "interface_name": "eth0", "subnet": NETS[0], "opt": {"parent": "eth0"}},
            {"driver": "macvlan", "subnets": (FOUR,), "options": {"parent": "eth0"}},
        ),
        (
            {"driver": "ipvlan", "opt": ["mode=l3"], "subnet": NETS[0]},
            {"driver": "ipvlan", "subnets": (Subnet(NETS[0]),), "options": {"mode": "l3"}},
        ),
        (
            {"opt": {"mode": "unmanaged", "bridge_name": "br0"}},
            {"interface": "br0", "options": {"mode": "unmanaged"}},
        ),
        ({"interface_name": "br0", "opt": {"bridge_name": "br0"}}, {"interface": "br0"}),
    ],
)
def test_a_spec_has_one_form(given, fields):
    """Spellings with the same meaning yield the same spec, with podman's gateways."""
    assert asked(**given) == NetworkSpec("n", **fields)


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"name": "a/b"}, "name"),
        ({"name": "host"}, "name"),
        ({"name": "bridge"}, "name"),
        ({"driver": "bridg"}, "driver"),
        ({"driver": "bridge", "macvlan": "eth0"}, "driver"),
        ({"macvlan": "eth0", "opt": {"parent": "eth1"}, "subnet": NETS[0]}, "macvlan"),
        ({"interface_name": "a" * 16}, "interface_name"),
        ({"interface_name": "a b"}, "interface_name"),
        ({"interface_name": ".."}, "interface_name"),
        ({"interface_name": "a", "opt": {"bridge_name": "b"}}, "interface_name"),
        (
            {"driver": "macvlan", "interface_name": "a", "opt": {"parent": "b"}, "subnet": NETS[0]},
            "interface_name",
        ),
        ({"gateway": ["10.1.0.1"]}, "gateway"),
        ({"subnet": NETS[:1], "gateway": ["10.1.0.1", "fd00::1"]}, "gateway"),
        ({"ip_range": ["10.1.0.0/25"]}, "ip_range"),
        ({"subnet": NETS, "net_config": []}, "net_config"),
        ({"net_config": [{"subnet": "10.1.0.0/24", "gateway": "10.2.0.1"}]}, "gateway"),
        ({"subnet": ["10.1.0.0/24", "10.1.0.0/25"]}, "subnet"),
        ({"subnet": NETS[:1], "ipam_driver": "none"}, "ipam_driver"),
        ({"ipam_driver": "static"}, "ipam_driver"),
        ({"driver": "macvlan"}, "subnet"),
        ({"dns": ["name"]}, "dns"),
        ({"dns": ["192.0.2.1"], "disable_dns": True}, "dns"),
        ({"driver": "ipvlan", "ipam_driver": "none", "dns": ["192.0.2.1"]}, "dns"),
        ({"subnet": NETS[:1], "route": ["10.2.0.0/16,10.3.0.1"]}, "route"),
        ({"opt": {"mode": "unmanaged"}}, "interface_name"),
        ({"ipv6": True, "opt": {"mtu": 1279}}, "opt.mtu"),
        ({"subnet": NETS, "opt": {"mtu": 1279}}, "opt.mtu"),
        ({"opt": {"isolate": True}, "driver": "macvlan", "subnet": NETS[:1]}, "opt"),
    ],
)
def test_what_does_not_go_together_is_refused(given, option):
    """The error names the option, and has a remedy."""
    with pytest.raises(InvalidOption) as caught:
        asked(**given)
    assert (caught.value.fields["option"], bool(str(caught.value.remedy))) == (option, True)


def test_addresses_of_a_dhcp_server_are_not_built():
    """The IPAM driver dhcp is refused, not ignored."""
    with pytest.raises(NotBuiltYet):
        asked(ipam_driver="dhcp")


@pytest.mark.parametrize(
    ("spec", "versions"),
    [
        (NetworkSpec("n"), (4,)),
        (NetworkSpec("n", ipv6=True), (4, 6)),
        (NetworkSpec("n", subnets=(FOUR,)), ()),
        (NetworkSpec("n", subnets=(SIX,)), ()),
        (NetworkSpec("n", subnets=(SIX,), ipv6=True), (4,)),
        (NetworkSpec("n", subnets=(FOUR,), ipv6=True), (6,)),
        (NetworkSpec("n", ipam_driver="none", ipv6=True), ()),
    ],
)
def test_which_subnets_the_engine_chooses(spec, versions):
    """As in podman, the default is an IPv4 subnet, and with ipv6 both versions."""
    assert missing_versions(spec) == versions


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("subnet", ["10.1.0.0/24"]),
        ("ipv6", True),
        ("internal", True),
        ("dns", ["10.1.0.1"]),
        ("route", ["10.2.0.0/24,10.1.0.1"]),
        ("ipam_driver", "none"),
        ("interface_name", "br0"),
    ],
)
def test_what_plugins_decide(option, value):
    """A network of CNI plugins has DNS and no subnet, and options that plugins decide are refused."""
    found = asked(driver="cni", opt={"conflist": "/etc/cni//net.d/a.conflist"})
    assert (found.dns, missing_versions(found)) == (True, ())
    assert found.options == {"conflist": "/etc/cni/net.d/a.conflist"}
    with pytest.raises(InvalidOption, match=f"^{option}: is decided by the plugins"):
        asked(driver="cni", **{option: value})
    with pytest.raises(InvalidOption, match="conflist"):
        asked(driver="cni", opt={"conflist": "a b"})
