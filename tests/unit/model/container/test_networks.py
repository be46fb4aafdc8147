# SPDX-License-Identifier: GPL-3.0-or-later
"""Option network: canonical form, requests for each network, and contradictions."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.model.container.networks import Wanted, has_networks, parse, wanted
from _engine.model.container.spec import ContainerSpec

TAKEN = [
    ([], ()),
    ("bridge", ()),
    (["private"], ()),
    (["slipway"], ()),
    (["host"], ("host",)),
    (["none"], ("none",)),
    (["container:db"], ("container:db",)),
    (["ns:/run/netns/x"], ("ns:/run/netns/x",)),
    (["web"], ("web",)),
    (["web", "db"], ("web", "db")),
    (["db", "web"], ("db", "web")),
    (["bridge", "web"], ("slipway", "web")),
    (["bridge:ip=10.88.0.9"], ("slipway:ip=10.88.0.9",)),
    (["web:mac=92:D0:C6:0A:29:33,ip=10.0.0.5"], ("web:ip=10.0.0.5,mac=92:d0:c6:0a:29:33",)),
    (["web:ip6=FD00:0::5,ip=10.0.0.5"], ("web:ip=10.0.0.5,ip=fd00::5",)),
    (["web:alias=b,alias=a,alias=b"], ("web:alias=a,alias=b",)),
    (
        ["web:interface_name=net0,host_interface_name=vweb"],
        ("web:host_interface_name=vweb,interface_name=net0",),
    ),
    (["web:metric=50,default_route=true"], ("web:metric=50",)),
    (["web:default_route=false"], ("web:default_route=false",)),
]


@pytest.mark.parametrize(("value", "canonical"), TAKEN)
def test_canonical(value, canonical):
    """Spellings with the same meaning have one canonical form, which parses to itself."""
    assert parse("network", value) == canonical
    assert parse("network", [*canonical]) == canonical


REFUSED = [
    ["host", "web"],
    ["none", "none"],
    ["web", "web:ip=10.0.0.5"],
    ["bridge", "slipway"],
    ["-x"],
    ["web:ip"],
    ["web:ip=10.0.0.256"],
    ["web:ip=fe80::1%eth0"],
    ["web:ip6=10.0.0.5"],
    ["web:colour=blue"],
    ["web:mac=01:00:5e:00:00:01"],
    ["web:mac=92:d0"],
    ["web:alias=a b"],
    ["web:interface_name=a/b"],
    ["web:interface_name=0123456789abcdef"],
    ["web:metric=-1"],
    ["web:default_route=maybe"],
    ["container:"],
    ["ns:relative"],
    ["slirp4netns"],
    ["pasta:-t,80"],
    ["web:interface_name=lo"],
    ["{'name': 'web'}"],
]


@pytest.mark.parametrize("value", REFUSED)
def test_refused(value):
    """Invalid networks and combinations are refused, naming the option."""
    with pytest.raises(InvalidOption) as refused:
        parse("network", value)
    assert refused.value.fields["option"] == "network"
    assert refused.value.remedy or "twice" in str(refused.value)


def spec(**options) -> ContainerSpec:
    """Return a container's spec with these options."""
    return ContainerSpec.parse({"name": "a", "image": "b", **options})


def test_wanted():
    """Options of the container apply to its first network, aliases to all networks."""
    found = wanted(spec(network=["web:ip=10.0.0.5", "db:alias=x"], ip6="fd00::5", network_aliases=["www"]))
    assert found == (
        Wanted("web", ("10.0.0.5", "fd00::5"), aliases=("www",)),
        Wanted("db", aliases=("x", "www")),
    )
    assert wanted(spec()) == (Wanted("slipway"),)
    assert wanted(spec(network=["host"])) == ()
    assert [has_networks(spec(network=[name])) for name in ("host", "none", "container:x", "web")] == [
        False,
        False,
        False,
        True,
    ]


NONSENSE = [
    {"network": ["host"], "publish": ["80:80"]},
    {"network": ["none"], "ip": "10.0.0.5"},
    {"network": ["container:x"], "network_aliases": ["y"]},
    {"network": ["ns:/x"], "mac_address": "92:d0:c6:0a:29:33"},
    {"network": ["none"], "link_local_ip": "fe80::7"},
    {"network": ["none"], "publish_all": True},
    {"network": ["web:ip=10.0.0.5"], "ip": "10.0.0.6"},
    {"no_hosts": True, "etc_hosts": {"db": "10.0.0.5"}},
    {"no_hosts": True, "hosts_file": "none"},
    {"hosts_file": "relative"},
    {"network": ["host"], "etc_hosts": {"me": "host-gateway"}},
    {"network": ["container:x"], "etc_hosts": {"db": "10.0.0.5"}},
    {"network": ["container:x"], "dns": ["10.0.0.5"]},
    {"network": ["container:x"], "no_hosts": True},
]


@pytest.mark.parametrize("options", NONSENSE)
def test_nonsense(options):
    """Options without effect are refused, not ignored."""
    with pytest.raises(InvalidOption):
        spec(**options)


@pytest.mark.parametrize(
    ("address", "kept"), [("169.254.7.1", "169.254.7.1"), ("fe80::7", "fe80::7"), ("FE80:0::7", "fe80::7")]
)
def test_a_link_local_address(address, kept):
    """A link-local address applies to the first network, in canonical form; other addresses are refused."""
    found = wanted(spec(network=["web", "db"], link_local_ip=address))
    assert [one.link_local for one in found] == [kept, ""]


@pytest.mark.parametrize("address", ["10.0.0.5", "fd00::5", "fe80::7%eth0", "169.254.7.1/16", "x"])
def test_no_link_local_address(address):
    """An address that is not link-local is refused, naming the option."""
    with pytest.raises(InvalidOption, match="link_local_ip"):
        spec(link_local_ip=address)
