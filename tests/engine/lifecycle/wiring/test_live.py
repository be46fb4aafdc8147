# SPDX-License-Identifier: GPL-3.0-or-later
"""Live changes of a running container's networks and ports, which leave the unchanged ones undisturbed."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from _engine.errors import EngineError
from _engine.kernel import libc
from _engine.kernel.net import nft
from _engine.lifecycle.converge.container import converge
from _engine.lifecycle.converge.request import Request
from _engine.lifecycle.network.converge import converge_network
from _engine.model.network.grammar import parse
from _engine.network import rules
from _engine.plan.network import How as Force
from enginehost import eventually
from netlab import HOST4

#: Echoes each line at port 7, and serves the host name at port 80.
SERVER = ("sh", "-c", "busybox httpd -p 80 -h /etc; exec busybox nc -ll -p 7 -e cat")
HOW = {"network": None, "stop_timeout": 0, "hostname": "host-web"}


@pytest.fixture
def host(host):
    """Return the engine with two networks, the second with IPv6."""
    host.network("a", subnet="10.97.1.0/24")
    host.network("b", subnet=["10.97.2.0/24", "fd97:2::/64"])
    return host


def want(host, *, name="web", **options):
    """Bring the container to started with these options, and return the outcome."""
    return host.want("started", *SERVER, name=name, **{**HOW, **options})


def begun(host, name="web", **options):
    """Start the container, wait until it listens, and return its PID."""
    shape = want(host, name=name, **options).result["container"]
    [address, *_others] = [one["IPAddress"] for one in shape["NetworkSettings"]["Networks"].values()]
    eventually(lambda: answers(address), "it listens", timeout=10.0)
    return shape["State"]["Pid"]


def altered(host, pid, **options):
    """Change the container live, check that it was not restarted, and return its shape."""
    outcome = want(host, **options)
    assert (outcome.actions, outcome.cost) == (("updated web",), "live")
    shape = host.inspect("web")
    assert shape["State"]["Pid"] == pid
    assert host.record("web").intent == ""
    assert not want(host, **options).actions
    return shape


def answers(address: str, port: int = 7) -> bool:
    """Return whether something listens at the address."""
    with closing(socket.socket()) as made:
        made.settimeout(1.0)
        return made.connect_ex((address, port)) == 0


def foreseen(host, **options) -> str:
    """Return the error of a task in check mode."""
    with pytest.raises(EngineError) as refused:
        predicted(host, **options)
    return str(refused.value)


def predicted(host, **options):
    """Return the outcome that check mode foresees."""
    with host.open(read_only=True) as engine:
        spec = host.spec(*SERVER, name="web", **{**HOW, **options})
        return converge(engine, Request("web", "started", spec), None)


@contextmanager
def talking(address: str):
    """Yield a function that returns whether one connection, kept open, still answers."""
    with closing(socket.create_connection((address, 7), timeout=10.0)) as made:

        def goes_on() -> bool:
            made.sendall(b"hello\n")
            return made.recv(100) == b"hello\n"

        assert goes_on()
        yield goes_on


def inside(host, pid: int, *command: str) -> str:
    """Return the output of a host's program run in the container's network namespace."""
    done = subprocess.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", *command], check=True, capture_output=True, text=True
    )
    return done.stdout


def interfaces(host, pid: int) -> dict[str, list[str]]:
    """Return the interfaces of a container with their addresses, without lo and link-local ones."""
    found = json.loads(inside(host, pid, "ip", "-j", "address"))
    return {
        one["ifname"]: [item["local"] for item in one["addr_info"] if item["scope"] == "global"]
        for one in found
        if one["ifname"] != "lo"
    }


def index(host, pid: int, name: str = "eth0") -> int:
    """Return the kernel's index of a container's interface, which is never reused."""
    return json.loads(inside(host, pid, "ip", "-j", "link", "show", name))[0]["ifindex"]


def routes(host, pid: int) -> list[tuple[str, str, str]]:
    """Return a container's IPv4 routes through gateways: destination, gateway, interface."""
    found = json.loads(inside(host, pid, "ip", "-j", "route"))
    return [(one["dst"], one["gateway"], one["dev"]) for one in found if "gateway" in one]


def test_networks_come_and_go(host):
    """Networks are attached and detached while a connection through another stays open; names are kept."""
    pid = begun(host, network=["a"])
    untouched = index(host, pid)
    with talking("10.97.1.2") as goes_on:
        shape = altered(host, pid, network=["a", "b:alias=second"])
        assert interfaces(host, pid) == {"eth0": ["10.97.1.2"], "eth1": ["10.97.2.2", "fd97:2::2"]}
        assert [*shape["NetworkSettings"]["Networks"]] == ["a", "b"]
        assert answers("10.97.2.2")
        assert goes_on()
        altered(host, pid, network=["a", "slipway"])
        assert interfaces(host, pid) == {"eth0": ["10.97.1.2"], "eth1": ["10.88.0.2"]}
        assert (goes_on(), index(host, pid)) == (True, untouched)
    altered(host, pid, network=["slipway"])
    assert interfaces(host, pid) == {"eth1": ["10.88.0.2"]}
    assert routes(host, pid) == [("default", "10.88.0.1", "eth1")]
    altered(host, pid, network=["slipway", "b"])
    assert sorted(interfaces(host, pid)) == ["eth0", "eth1"]
    assert len(host.links()) == 5  # two bridges, two veth ends, one table
    host.bring("web", "restarted", stop_time=0)
    pid = host.inspect("web")["State"]["Pid"]
    assert interfaces(host, pid) == {"eth1": ["10.88.0.2"], "eth0": ["10.97.2.2", "fd97:2::2"]}


CHANGES = {
    "address": (["a", "b:ip=10.97.2.9"], lambda found: found["eth1"] == ["10.97.2.9", "fd97:2::2"]),
    "name": (["a", "b:interface_name=net0"], lambda found: found["net0"] == ["10.97.2.2", "fd97:2::2"]),
    "other end": (["a", "b:host_interface_name=swother"], lambda found: "eth1" in found),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_attachment_changes(host, change):
    """A changed option of one network changes only its interface, and can be reverted."""
    wanted, is_so = CHANGES[change]
    pid = begun(host, network=["a", "b"])
    untouched = index(host, pid)
    with talking("10.97.1.2") as goes_on:
        altered(host, pid, network=wanted)
        assert is_so(interfaces(host, pid))
        assert (goes_on(), index(host, pid)) == (True, untouched)
        altered(host, pid, network=["a", "b"])
        assert goes_on()


def test_mac_and_first_addresses(host):
    """The options of the first network change live as well; values are kept when options are unset."""
    pid = begun(host, network=["b"])
    options = {"ip": "10.97.2.7", "ip6": "fd97:2::7", "mac_address": "92:d0:c6:0a:29:33"}
    shape = altered(host, pid, network=["b"], **options)
    told = shape["NetworkSettings"]["Networks"]["b"]
    assert [told[key] for key in ("IPAddress", "GlobalIPv6Address", "MacAddress")] == [*options.values()]
    assert options["mac_address"] in inside(host, pid, "ip", "link", "show", "eth0")
    assert answers("10.97.2.7")
    assert altered(host, pid, network=["b"])["NetworkSettings"]["Networks"]["b"] == told


def test_routes_change_under_a_connection(host):
    """The order of networks and metrics change only routes: connections through both stay open."""
    pid = begun(host, network=["a", "b"])
    assert routes(host, pid) == [("default", "10.97.1.1", "eth0")]
    untouched = [index(host, pid, name) for name in ("eth0", "eth1")]
    with talking("10.97.1.2") as first, talking("10.97.2.2") as second:
        altered(host, pid, network=["b", "a"])
        assert routes(host, pid) == [("default", "10.97.2.1", "eth1")]
        altered(host, pid, network=["b:metric=7", "a"])
        assert "metric 7" in inside(host, pid, "ip", "route", "show", "default")
        altered(host, pid, network=["b:default_route=false", "a"])
        assert routes(host, pid) == [("default", "10.97.1.1", "eth0")]
        assert first()
        assert second()
    assert [index(host, pid, name) for name in ("eth0", "eth1")] == untouched


def test_ports_come_and_go(host, fetch):
    """Ports are published, reserved and freed live, and another container gets one live."""
    pid = begun(host, network=["a"])
    begun(host, "other", network=["a"], hostname="host-other")
    altered(host, pid, network=["a"], publish=["8080:80", "8082:80/udp"])
    assert fetch("outside", f"{HOST4}:8080") == "host-web"
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        port = {socket.SOCK_STREAM: 8080, socket.SOCK_DGRAM: 8082}[kind]
        with closing(socket.socket(type=kind)) as made, pytest.raises(OSError, match="in use"):
            made.bind(("", port))
    with pytest.raises(EngineError, match="8080/tcp of the host is published by container web"):
        want(host, name="other", network=["a"], publish=["8080:80"], hostname="host-other")
    altered(host, pid, network=["a"], publish=["127.0.0.1:8081:80"])
    assert fetch("outside", f"{HOST4}:8080", wait=0.3) == ""
    assert fetch("host", "127.0.0.1:8081") == "host-web"
    socket.create_server(("", 8080)).close()
    want(host, name="other", network=["a"], publish=["8080:80"], hostname="host-other")
    assert fetch("outside", f"{HOST4}:8080") == "host-other"
    shape = altered(host, pid, network=["a"], expose=["80"], publish_all=True)
    [bound] = shape["NetworkSettings"]["Ports"]["80/tcp"]
    assert fetch("outside", f"{HOST4}:{bound['HostPort']}") == "host-web"
    host.bring("web", "absent", stop_time=0)
    socket.create_server(("", int(bound["HostPort"]))).close()


def test_a_port_follows_its_container(host, fetch):
    """A published port follows a container whose address or network has changed."""
    pid = begun(host, network=["a"], publish=["8080:80"])
    for network in ("a:ip=10.97.1.9", "b", "slipway"):
        altered(host, pid, network=[network], publish=["8080:80"])
        assert fetch("outside", f"{HOST4}:8080") == "host-web"


REFUSED = [
    ({"network": ["a", "nowhere"]}, "not_found", "nowhere"),
    ({"network": ["a", "b:ip=10.97.2.2"]}, "in_use", "address of container other"),
    ({"network": ["a", "b:ip=10.97.1.9"]}, "invalid_option", "in no subnet"),
    ({"network": ["a"], "publish": ["8080:80"]}, "in_use", "8080/tcp of the host is in use by py"),
    ({"network": ["a"], "publish": ["8081:80"]}, "in_use", "published by container other"),
    ({"network": ["a:host_interface_name=up0"]}, "name_in_use", "up0"),
]


def test_refused(host):
    """Invalid changes are refused beforehand, also in check mode, and the running container is unchanged."""
    begun(host, "other", network=["b"], publish=["8081:80"])
    pid = begun(host, network=["a"])
    with socket.create_server(("", 8080)), talking("10.97.1.2") as goes_on:
        before = host.inspect("web"), host.links(), interfaces(host, pid)
        for options, code, words in REFUSED:
            with pytest.raises(EngineError) as refused:
                want(host, **options)
            assert refused.value.code == code, options
            assert words in str(refused.value)
            assert (host.inspect("web"), host.links(), interfaces(host, pid)) == before, options
            assert words in foreseen(host, **options)
        assert goes_on()


def test_check_mode_tells_live(host):
    """Check mode foresees a live change with its difference, and changes nothing."""
    begun(host, network=["a"])
    before = host.links(), host.rows()
    outcome = predicted(host, network=["a", "b"], publish=["8080:80"])
    assert (outcome.actions, outcome.cost) == (("updated web",), "live")
    assert [one.option for one in outcome.differences] == ["network", "publish"]
    assert (host.links(), host.rows()) == before


def test_a_stopped_container(host, fetch):
    """For a container that does not run only the record changes; the next start applies it."""
    begun(host, network=["a"], publish=["8080:80"])
    host.bring("web", "stopped", stop_time=0)
    with socket.create_server(("", 8080)):
        outcome = host.want(
            "present", *SERVER, name="web", **{**HOW, "network": ["b"], "publish": ["8081:80"]}
        )
        assert (outcome.actions, outcome.cost, host.links()) == (("updated web",), "live", [])
        want(host, network=["b"], publish=["8081:80"])
        eventually(lambda: fetch("outside", f"{HOST4}:8081") == "host-web", "it answers")


def test_to_the_hosts_network_and_back(host):
    """A change to or from no network or the host's recreates the container."""
    begun(host, network=["a"])
    for network in ("none", "host", "a"):
        outcome = want(host, network=[network], hostname=None)
        assert outcome.cost == "recreate"
        assert "removed web" in outcome.actions


@pytest.mark.usefixtures("no_server")
def test_names_in_files(host):
    """The /etc/hosts of a network's containers follow attachments, detachments and aliases."""
    begun(host, "near", network=["b"], hostname="near")
    pid = begun(host, network=["a"])
    files = [Path(host.layout.container(host.record(name).id).files, "hosts") for name in ("web", "near")]
    own, others = files
    inode = own.stat().st_ino
    altered(host, pid, network=["a", "b:alias=db"])
    assert "10.97.2.3\tweb" in others.read_text()
    assert "db" in others.read_text()
    assert "10.97.2.2\tnear" in own.read_text()
    assert "10.97.2.3\thost-web web" in own.read_text()
    altered(host, pid, network=["a", "b:alias=cache"], network_aliases=["www"])
    assert ("db" in others.read_text(), "cache www" in others.read_text()) == (False, True)
    altered(host, pid, network=["b"])
    assert "10.97.1." not in own.read_text()
    assert "10.97.2.1\thost.containers.internal" in own.read_text()
    altered(host, pid, network=["a"])
    assert "web" not in others.read_text()
    assert "near" not in own.read_text()
    assert own.stat().st_ino == inode


def test_without_a_way_to_conmons_sockets(host, fetch, monkeypatch):
    """Without pidfd_getfd a port is published live nevertheless, but not reserved."""

    def refuse(_pidfd: int, _fd: int) -> int:
        raise OSError(38, os.strerror(38))

    pid = begun(host, network=["a"])
    monkeypatch.setattr(libc, "pidfd_getfd", refuse)
    altered(host, pid, network=["a"], publish=["8080:80"])
    assert fetch("outside", f"{HOST4}:8080") == "host-web"
    socket.create_server(("", 8080)).close()


def test_a_network_goes_by_force(host):
    """The forced removal of a network leaves its containers running in their other networks, or in none."""
    alone = begun(host, "alone", network=["b"], publish=["8081:80"])
    pid = begun(host, network=["a", "b:ip=10.97.2.9"])
    begun(host, "stopped", network=["b", "a"], ip="10.97.2.7")
    host.bring("stopped", "stopped", stop_time=0)
    with talking("10.97.1.2") as goes_on:
        with pytest.raises(EngineError, match="used by alone, stopped, web"):
            host.network("b", "absent")
        outcome = host.network("b", "absent", how=Force(force=True))
        assert outcome.actions[-1] == "removed network b"
        assert goes_on()
    assert (interfaces(host, pid), interfaces(host, alone)) == ({"eth0": ["10.97.1.2"]}, {})
    assert host.networks() == ["a"]
    assert (host.record("alone").spec.network, host.record("alone").ports) == (("none",), ())
    elements = nft.table("inet", rules.table_of(host.layout.root))
    assert rules.owned(elements, host.record("alone").id) == []
    assert len(host.links()) == 3
    assert want(host, network=["a"]).actions == ()
    host.bring("stopped", "started")
    assert host.inspect("stopped")["NetworkSettings"]["Networks"]["a"]["IPAddress"] == "10.97.1.3"
    for name in ("alone", "web", "stopped"):
        host.bring(name, "restarted", stop_time=0)
        assert host.inspect(name)["State"]["Running"]


def bridges() -> list[dict[str, object]]:
    """Return the bridges of the host."""
    told = subprocess.check_output(["ip", "-j", "address", "show", "type", "bridge"])
    return [*json.loads(told)]


REMADE = {
    "internal": ({"internal": True}, "10.97.2.2"),
    "subnet": ({"subnet": "10.97.3.0/24"}, "10.97.3."),
    "larger": ({"subnet": "10.97.2.0/23"}, "10.97.2.2"),
    "interface": ({"interface_name": "swremade"}, "10.97.2.2"),
    "mtu": ({"opt": {"mtu": 1400}}, "10.97.2.2"),
}


@pytest.mark.parametrize("case", REMADE)
def test_a_network_is_made_anew(host, fetch, case):
    """A network is recreated under running containers, which keep fitting addresses, ports and names."""
    options, address = REMADE[case]
    host.network("b", "absent")
    host.network("b", subnet="10.97.2.0/24")
    pid = begun(host, network=["a", "b:alias=x"], publish=["8080:80"])
    begun(host, "peer", network=["b"], hostname="host-peer")
    before = {one["ifindex"] for one in bridges()}
    with talking("10.97.1.2") as goes_on:
        outcome = host.network("b", how=Force(recreate=True), **options)
        assert goes_on()
    assert "attached web to network b" in outcome.actions
    [own] = interfaces(host, pid)["eth1"]
    assert own.startswith(address)
    assert host.inspect("web")["State"]["Pid"] == pid
    assert [one.intent for one in map(host.record, ("web", "peer"))] == ["", ""]
    assert answers(own)
    assert fetch("outside", f"{HOST4}:8080") == "host-web"
    shape = outcome.result["network"]
    [found] = [one for one in bridges() if one["ifname"] == shape["network_interface"]]
    assert found["ifindex"] not in before  # a new bridge, also with attributes that are set at creation only
    gateways = [item["local"] for item in found["addr_info"] if item["scope"] == "global"]
    assert gateways == [shape["subnets"][0]["gateway"]]
    assert len(bridges()) == 2
    assert found["mtu"] == options.get("opt", {}).get("mtu", 1500)


IN_VAIN = {
    "address": ({"subnet": "10.97.3.0/24"}, "container web does not fit .* in no subnet"),
    "parent": ({"driver": "macvlan", "subnet": "10.97.1.0/24", "opt": {"parent": "nowhere0"}}, "nowhere0"),
    "bridge": (
        {"interface_name": "up0", "opt": {"mode": "unmanaged"}},
        "needs; up0 is another kind of interface",
    ),
    "ports": (
        {"subnet": "10.97.1.0/24", "internal": True},
        r"container web does not fit .*no port can be published into network a \(internal\)",
    ),
}


@pytest.mark.parametrize("case", IN_VAIN)
def test_a_network_is_not_made_anew_in_vain(host, case):
    """A network is not recreated if a container would lose its address or ports, or if the host lacks something."""
    options, words = IN_VAIN[case]
    pid = begun(host, network=["a:ip=10.97.1.9"], publish=["8080:80"])
    before = host.rows(), host.links(), interfaces(host, pid)
    with host.open() as engine, pytest.raises(EngineError, match=words):
        converge_network(engine, parse({"name": "a", **options}), "present", Force(recreate=True))
    with host.open(read_only=True) as engine:
        try:
            converge_network(engine, parse({"name": "a", **options}), "present", Force(recreate=True))
        except EngineError as error:
            engine.tolerated.append(error)
        assert re.search(words, " ".join(map(str, engine.tolerated)))
    assert (host.rows(), host.links(), interfaces(host, pid)) == before


@pytest.mark.usefixtures("no_server")
def test_a_container_is_renamed(host):
    """After a rename a container is in the files of others by its new name only."""
    begun(host, "near", network=["a"], hostname="near")
    pid = begun(host, network=["a"])
    files = [Path(host.layout.container(host.record(name).id).files, "hosts") for name in ("web", "near")]
    assert host.agent("rename", "web", "site").returncode == 0
    own, others = (file.read_text() for file in files)
    assert ("10.97.1.3\thost-web site\n" in own, "web\n" in own) == (True, False)
    assert ("10.97.1.3\tsite " in others, "web" in others) == (True, False)
    assert host.inspect("site")["State"]["Pid"] == pid
    assert host.record("site").intent == ""


def test_what_fails_is_taken_back(host, fetch):
    """A change that only the kernel refuses is undone: networks, ports and names are as before."""
    pid = begun(host, network=["a"], publish=["8080:80"])
    inside(host, pid, "ip", "link", "add", "net0", "type", "veth", "peer", "net1")
    before = host.links(), interfaces(host, pid), host.record("web")
    with talking("10.97.1.2") as goes_on:
        with pytest.raises(EngineError, match="another network interface net0"):
            want(host, network=["a", "b:interface_name=net0"], publish=["8081:80"])
        assert goes_on()
    assert (host.links(), interfaces(host, pid), host.record("web")) == before
    assert fetch("outside", f"{HOST4}:8080") == "host-web"
    socket.create_server(("", 8081)).close()
    with pytest.raises(OSError, match="in use"):
        socket.create_server(("", 8080))


def test_gone_on_with_without_its_file(host, fetch):
    """A change whose file was lost with the run root is completed from the rows."""
    pid = begun(host, network=["a"], publish=["8080:80"])
    with host.open() as engine, engine.database.transaction() as connection:
        connection.execute("UPDATE containers SET intent = 'rewire' WHERE name = 'web'")
        connection.execute("UPDATE ports SET host_port = 8081")
    host.network("c")  # any task of networks completes it
    assert host.record("web").intent == ""
    assert fetch("outside", f"{HOST4}:8081") == "host-web"
    altered(host, pid, network=["a"], publish=["8082:80"])
    assert [fetch("outside", f"{HOST4}:{port}", wait=0.3) for port in (8081, 8082)] == ["", "host-web"]
