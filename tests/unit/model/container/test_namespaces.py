# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.model.container import namespaces
from _engine.model.container.spec import ContainerSpec

BASE = {"name": "box", "image": "i", "network": ["none"]}
GOOD = {
    ("pid", "host"): "host",
    ("pid", "private"): None,
    ("pid", ""): None,
    ("pid", "container:db_1.a"): "container:db_1.a",
    ("pid", "ns:/proc/./7/ns/pid"): "ns:/proc/7/ns/pid",
    ("uts", "private"): None,
    ("ipc", "shareable"): None,
    ("ipc", "private"): "private",
    ("ipc", "none"): "none",
    ("cgroupns", "private"): "private",
    ("cgroupns", "host"): "host",
    ("network", ("container:db",)): ("container:db",),
    ("network", ("ns:/run/netns/x",)): ("ns:/run/netns/x",),
}
BAD = {
    ("pid", "hosts"): "is not a namespace",
    ("pid", "none"): "is not a namespace",
    ("pid", "pod"): "requires pods",
    ("pid", "container:"): "is not a valid name",
    ("pid", "container:../x"): "is not a valid name",
    ("pid", "ns:relative"): "is not an absolute path",
    ("uts", "shareable"): "is not a namespace",
    ("ipc", ("host",)): "is not a string",
    ("network", ("container:a", "host")): "cannot be combined with networks",
    ("network", ("container:a/b",)): "is not a valid name",
}
CONTRADICTIONS = {
    "hostname": {"hostname": "x", "uts": "container:db"},
    "sysctl": {"ipc": "host", "sysctl": {"kernel.shmmax": "1"}},
    "shm_size": {"ipc": "none", "shm_size": "1m"},
}


@pytest.mark.parametrize("case", GOOD)
def test_good_values(case):
    """Each mode of podman has a canonical form, and the default mode is stored as unset."""
    option, value = case
    assert getattr(ContainerSpec.parse({**BASE, option: value}), option) == GOOD[case]


@pytest.mark.parametrize("case", BAD, ids=str)
def test_bad_values(case):
    """An invalid namespace is refused with the reason."""
    option, value = case
    with pytest.raises(InvalidOption, match=BAD[case]) as caught:
        ContainerSpec.parse({**BASE, option: value})
    assert caught.value.fields["option"] == option


@pytest.mark.parametrize("option", CONTRADICTIONS)
def test_contradictions(option):
    """Options that would change another's namespace are refused."""
    with pytest.raises(InvalidOption) as caught:
        ContainerSpec.parse({**BASE, **CONTRADICTIONS[option]})
    assert caught.value.fields["option"] == option


def test_needs():
    """A container requires those whose namespaces it joins, but none for the host's or a path."""
    spec = ContainerSpec.parse(
        {
            **BASE,
            "network": ["container:a"],
            "ipc": "container:b",
            "pid": "host",
            "uts": "ns:/x",
            "cgroupns": "container:a",
        }
    )
    assert namespaces.needs(spec) == (("network", "a"), ("ipc", "b"), ("cgroupns", "a"))
    assert namespaces.needs(ContainerSpec.parse(BASE)) == ()


#: Options, and the host name inside of a container abcdef... on host "box".
HOSTNAMES = [
    ({}, "abcdefabcdef"),
    ({"network": ["host"]}, "box"),
    ({"uts": "host"}, "box"),
    ({"network": ["host"], "uts": "private"}, "box"),
    ({"network": ["host"], "hostname": "web"}, "web"),
    ({"hostname": "web"}, "web"),
    ({"network": ["container:other"]}, "abcdefabcdef"),
    ({"network": ["ns:/run/netns/a"]}, "abcdefabcdef"),
]


@pytest.mark.parametrize(("options", "wanted"), HOSTNAMES)
def test_the_host_name_inside(options, wanted):
    """The host name is the requested one, the host's with its network or UTS namespace, or the short ID."""
    spec = ContainerSpec.parse({**BASE, **options})
    assert namespaces.hostname_of(spec, "abcdef" * 10, "box") == wanted
    assert namespaces.uses_host_network(spec) == (options.get("network") == ["host"])
