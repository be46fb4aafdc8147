# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of containers served by aardvark-dns, per network and over both IP versions."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest
from dnsquestion import AAAA, A, answers

from _engine.errors import InUse
from _engine.network import aardvark
from _engine.plan.network import How
from enginehost import eventually
from netlab import HOST4

# Independent of the runtime.
pytestmark = pytest.mark.parametrize("runtime", ["runc"], indirect=True)

SLEEPS = ("sleep", "1000")
HOW = {"network": None, "stop_timeout": 0}
SUBNETS = {"a": ["10.96.0.0/24", "fd96::/64"], "b": ["10.97.0.0/24"]}


@pytest.fixture
def host(host, need):
    """Return an engine with aardvark-dns and the networks ``a`` and ``b``."""
    need(aardvark.find(), "aardvark-dns")
    for name, subnet in SUBNETS.items():
        host.network(name, subnet=subnet)
    return host


def started(host, name, *networks, **options):
    """Start a container in these networks, and return its shape."""
    return host.start(*SLEEPS, name=name, **{**HOW, "network": [*networks], **options})


def asked(host, name: str, what: str, server: str = "10.96.0.1", kind: int = A) -> list[str]:
    """Return the addresses that a container resolves a name to, if any. Raises OSError without an answer."""
    return answers(host.layout.container(host.record(name).id).netns, what, server, kind)


def addresses(shape, network: str) -> tuple[str, str]:
    """Return the addresses of a container in a network."""
    found = shape["NetworkSettings"]["Networks"][network]
    return found["IPAddress"], found["GlobalIPv6Address"]


def server(host):
    """Return the server's process, or None."""
    return aardvark.running(host.layout.aardvark)


def test_answered_by_network(host):
    """Name, alias and short id are resolved over both IP versions in the same network, and in no other."""
    web = started(host, "Web", "a:alias=first", "b")
    started(host, "near", "a")
    started(host, "far", "b")
    four, six = addresses(web, "a")
    for name in ("web", "WEB", "first", web["Id"][:12], "web.dns.podman"):
        assert asked(host, "near", name) == [four], name
        assert asked(host, "near", name, "fd96::1", AAAA) == [six], name
    assert asked(host, "near", "far") == []
    assert asked(host, "far", "web", "10.97.0.1") == [addresses(web, "b")[0]]
    assert asked(host, "far", "first", "10.97.0.1") == []
    assert sorted(asked(host, "Web", "far", "10.96.0.1")) == [addresses(host.inspect("far"), "b")[0]]
    files = Path(host.layout.container(web["Id"]).files)
    named = [
        line for line in (files / "resolv.conf").read_text().splitlines() if line.startswith("nameserver")
    ]
    assert named == ["nameserver 10.96.0.1", "nameserver 10.97.0.1", "nameserver fd96::1"]
    assert "near" not in (files / "hosts").read_text()


def test_its_port_is_published_at_one_address(host):
    """Port 53 of all addresses is refused while aardvark-dns runs, and the remedy of the error works."""
    started(host, "near", "a")
    with pytest.raises(InUse, match=r"in use by aardvark-dns .* as in 192\.0\.2\.7:53:53/udp"):
        started(host, "dns", "b", publish=["53:53/udp"])
    started(host, "dns", "b", publish=[f"{HOST4}:53:53/udp"])
    assert asked(host, "dns", "dns", "10.97.0.1") != []


def test_one_server(host):
    """All networks of an engine share one server, in its own cgroup, which exits with the last container."""
    started(host, "one", "a")
    first = server(host)
    assert f"{host.layout.monitors_cgroup}\n" in Path(f"/proc/{first.pid}/cgroup").read_text()
    started(host, "two", "b")
    assert server(host) == first
    host.bring("one", "absent")
    assert server(host) == first
    assert aardvark.names(host.layout.aardvark) != []
    host.bring("two", "absent")
    assert not first.alive()
    assert not os.path.exists(host.layout.aardvark)


def test_started_again(host):
    """A dead server is started again by a start or a stop, with all names."""
    one = started(host, "one", "a")
    server(host).signal(signal.SIGKILL)
    two = started(host, "two", "a")
    assert asked(host, "two", "one") == [addresses(one, "a")[0]]
    server(host).signal(signal.SIGKILL)
    host.bring("one", "stopped")
    assert asked(host, "two", "one") == []
    assert asked(host, "two", "two") == [addresses(two, "a")[0]]
    host.bring("one", "restarted")
    assert asked(host, "two", "one") == [addresses(one, "a")[0]]


def test_falls_back_to_files(host):
    """If the server cannot listen, a warning is added, and names and other servers are in the files."""
    one, mid = started(host, "one", "a"), started(host, "mid", "a", no_hosts=True)
    server(host).signal(signal.SIGKILL)
    with closing(socket.socket(type=socket.SOCK_DGRAM)) as other:
        eventually(lambda: server(host) is None, "the server has ended")
        other.bind(("", 53))
        warned = []
        two = started(host, "two", "a", settings={"warned": warned})
        assert ["port 53 of 10.96.0.1, fd96::1" in str(error) for error in warned] == [True]
    for shape, peer in ((one, "two"), (two, "one")):
        text = Path(host.layout.container(shape["Id"]).files, "hosts").read_text()
        assert f"\t{peer} " in text
    assert server(host) is None
    for shape in (one, mid, two):
        asked_at = Path(host.layout.container(shape["Id"]).files, "resolv.conf").read_text()
        assert "nameserver" in asked_at
        assert "10.96.0.1" not in asked_at
    host.bring("one", "stopped")
    assert "\tone " not in Path(host.layout.container(two["Id"]).files, "hosts").read_text()


def test_a_network_made_anew(host):
    """After a network was recreated its names are resolved as before."""
    shapes = [started(host, "near", "a"), started(host, "web", "a", "b")]
    asked_at = [Path(host.layout.container(shape["Id"]).files, "resolv.conf") for shape in shapes]
    host.network("a", subnet="10.95.0.0/24", how=How(recreate=True))
    assert asked(host, "near", "web", "10.95.0.1") == [addresses(host.inspect("web"), "a")[0]]
    assert asked(host, "web", "near", "10.95.0.1") == [addresses(host.inspect("near"), "a")[0]]
    assert ["nameserver 10.95.0.1\n" in path.read_text() for path in asked_at] == [True, True]


def test_changed_live(host):
    """Names and servers follow live changes of a running container's networks, aliases and name."""
    started(host, "near", "a")
    started(host, "web", "b")
    pid = host.inspect("web")["State"]["Pid"]
    assert asked(host, "near", "web") == []
    shape = started(host, "web", "a:alias=first", "b")
    assert asked(host, "near", "web") == asked(host, "near", "first") == [addresses(shape, "a")[0]]
    resolv_conf = Path(host.layout.container(shape["Id"]).files, "resolv.conf")
    assert "nameserver 10.96.0.1\n" in resolv_conf.read_text()
    started(host, "web", "a:alias=second", "b")
    told = [asked(host, "near", name) != [] for name in ("web", "first", "second")]
    assert told == [True, False, True]
    shape = started(host, "web", "a:ip=10.96.0.77")
    assert asked(host, "near", "web") == ["10.96.0.77"]
    assert "10.97.0.1" not in resolv_conf.read_text()
    assert host.agent("rename", "web", "site").returncode == 0
    assert (asked(host, "near", "web"), asked(host, "near", "site")) == ([], ["10.96.0.77"])
    assert host.inspect("site")["State"]["Pid"] == pid
    started(host, "site", "b")
    assert asked(host, "near", "site") == []
    host.bring("near", "absent")
    assert [*aardvark.names(host.layout.aardvark)] == [host.record("site").endpoints[0].network_id]
