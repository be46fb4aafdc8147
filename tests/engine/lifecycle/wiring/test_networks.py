# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers in networks: reachable by address, port and name, which survive restarts and replacements."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest

from _engine.errors import EngineError
from _engine.kernel.net import addresses, links, nft, sysctl
from _engine.kernel.net.netlink import Netlink
from _engine.network import forwarding, rules
from enginehost import eventually
from netlab import HOST4, HOST6

#: A web server that serves the container's host name.
SERVER = ("busybox", "httpd", "-f", "-p", "80", "-h", "/etc")
#: Further options of the containers of these tests.
HOW = {"network": None, "stop_timeout": 0}


def served(host, name="web", **options):
    """Start a web server, wait until it listens, and return the container's shape."""
    shape = host.start(*SERVER, name=name, hostname=f"host-{name}", **{**HOW, **options})
    address = shape["NetworkSettings"]["IPAddress"] or address_of(shape)
    eventually(lambda: connects(address), f"{name} listens")
    return shape


def address_of(shape) -> str:
    """Return the container's first IPv4 address."""
    return next(one["IPAddress"] for one in shape["NetworkSettings"]["Networks"].values())


def connects(address: str) -> bool:
    """Return whether something listens at port 80 of an address."""
    with closing(socket.socket()) as made:
        made.settimeout(1.0)
        return made.connect_ex((address, 80)) == 0


def said_by(host, name: str, command: str, **options) -> list[str]:
    """Return the output of a container with this command after its exit."""
    host.want("started", "sh", "-c", command, name=name, **{**HOW, **options})
    host.ended(name)
    return host.log(name)[0].splitlines()


def test_reached_from_everywhere(host, lab, fetch):
    """A published port is reachable from outside, the host, other containers and the container itself."""
    host.network("six", subnet=["10.97.0.0/24", "fd97::/64"])
    shape = served(host, network=["six"], publish=["8080:80", "127.0.0.1:8081:80"])
    assert fetch("outside", f"{HOST4}:8080") == "host-web"
    assert fetch("outside", f"[{HOST6}]:8080") == "host-web"
    # By ::1 only where bridged frames do not pass the IP filters: docs/networks.md.
    by_loopback6 = "" if forwarding.filters_bridged(6) else "host-web"
    found = [fetch("host", f"{where}:8080", wait=3.0) for where in ("127.0.0.1", HOST4, "[::1]")]
    assert found == ["host-web", "host-web", by_loopback6]
    assert fetch("host", "127.0.0.1:8081") == "host-web"
    assert fetch("outside", f"{HOST4}:8081", wait=0.3) == ""
    asked = f"for at in {HOST4}:8080 web; do wget -qO- http://$at/hostname; done"
    assert said_by(host, "other", asked, network=["six"]) == ["host-web"] * 2
    assert said_by(host, "apart", f"wget -qO- http://{HOST4}:8080/hostname") == ["host-web"]
    itself = f"busybox httpd -p 80 -h /etc; wget -qO- http://{HOST4}:8082/hostname"
    assert said_by(host, "itself", itself, publish=["8082:80"], hostname="own") == ["own"]
    settings = shape["NetworkSettings"]
    assert settings["Ports"]["80/tcp"] == [
        {"HostIp": "", "HostPort": "8080"},
        {"HostIp": "127.0.0.1", "HostPort": "8081"},
    ]
    assert settings["Networks"]["six"]["GlobalIPv6Address"].startswith("fd97::")


@pytest.mark.parametrize("first", ["inner", "lan", "given"])
@pytest.mark.usefixtures("given_bridge")
def test_ports_lead_past_networks_that_take_none(host, fetch, first):
    """A port is published into the first network that takes ports, past an internal one and the host's."""

    def answers() -> bool:
        return fetch("host", "127.0.0.1:8080", wait=1.0) == "host-web"

    def want(*names: str):
        options = {**HOW, "network": names, "publish": ["8080:80"]}
        return host.want("started", *SERVER, name="web", hostname="host-web", **options)

    host.network("inner", internal=True)
    host.network("lan", macvlan="up0", subnet="192.0.2.0/24", ip_range="192.0.2.128/26")
    host.network("given", subnet="10.91.0.0/24", interface_name="br9", opt={"mode": "unmanaged"})
    want(first, "slipway")
    eventually(answers, "the port leads to the second network")
    nft.apply("flush ruleset")
    assert host.agent("network", "reload").returncode == 0
    assert answers()
    for names in (["slipway"], ["slipway", first], [first, "slipway"]):
        assert want(*names).cost == "live"
        assert answers()


def test_the_same_address_and_ports(host, fetch):
    """A container keeps its address, MAC and ports after a restart, a kill and a replacement."""
    shape = served(host, publish=["80"])
    kept = identity(shape)
    host.bring("web", "restarted")
    assert identity(host.inspect("web")) == kept
    os.kill(host.inspect("web")["State"]["Pid"], signal.SIGKILL)
    host.ended("web")
    assert host.links() == []
    assert identity(served(host, publish=["80"])) == kept
    assert identity(served(host, publish=["80"], env={"NEW": "1"})) == kept
    port = kept[2]["80/tcp"][0]["HostPort"]
    assert fetch("outside", f"{HOST4}:{port}") == "host-web"


def identity(shape):
    """Return the address, the MAC address and the ports of a container."""
    settings = shape["NetworkSettings"]
    return settings["IPAddress"], settings["MacAddress"], settings["Ports"]


def test_a_port_is_held_and_free_again(host):
    """No other program can bind a published port while the container runs, but any can after its exit."""
    served(host, publish=["8080:80", "8080:80/udp"])
    with pytest.raises(OSError, match="in use"):
        socket.create_server(("", 8080))
    with closing(socket.socket(type=socket.SOCK_DGRAM)) as made, pytest.raises(OSError, match="in use"):
        made.bind(("", 8080))
    host.bring("web", "stopped", stop_time=0)
    socket.create_server(("", 8080)).close()


@pytest.mark.usefixtures("no_server")
def test_names_in_files(host):
    """Without aardvark-dns, running containers of a network know each other by name, short id and alias."""
    host.network("a")
    host.network("b")
    shape = served(host, network=["a:alias=first", "b"])
    names = ("web", "first", shape["Id"][:12])
    ask = f"for name in {' '.join(names)}; do wget -qO- http://$name/hostname || echo none; done"
    # A name that is in no file is sent to a server that refuses at once.
    asked = {
        network: said_by(host, f"by-{network}", ask, network=[network], dns=["127.0.0.1"])
        for network in ("a", "b", "slipway")
    }
    assert asked == {"a": ["host-web"] * 3, "b": ["host-web", "none", "host-web"], "slipway": ["none"] * 3}
    served(host, "other", network=["a"])
    hosts = Path(host.layout.container(shape["Id"]).files, "hosts")
    assert "\tother " in hosts.read_text()
    host.bring("other", "absent", stop_time=0)
    assert "other" not in hosts.read_text()


def test_rules_come_back(host, fetch):
    """After a flush of the ruleset the rules are reloaded, and ports work as before."""
    served(host, publish=["8080:80"])
    nft.apply("flush ruleset")
    assert fetch("outside", f"{HOST4}:8080", wait=0.3) == ""
    assert host.agent("network", "reload").returncode == 0
    assert fetch("outside", f"{HOST4}:8080") == "host-web"
    assert "0.0.0.0:8080->80/tcp" in host.agent("ps").stdout
    assert host.agent("ps", "--quiet", "--filter", "network=slipway").stdout.count("\n") == 1
    nft.apply("flush ruleset")
    served(host, "second", publish=["8081:80"])
    assert [fetch("outside", f"{HOST4}:{port}") for port in (8080, 8081)] == ["host-web", "host-second"]


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_usage_has_traffic(host, fetch):
    """A container's traffic is reported from its own interfaces; with the host's network there is none."""
    served(host, publish=["8080:80"])
    assert fetch("outside", f"{HOST4}:8080") == "host-web"
    host.start("sleep", "1000", name="beside", network="host", stop_timeout=0)

    def counted() -> float:
        """Return the kilobytes that the container's interface has received; the kernel itself sends some."""
        return int(host.agent("exec", "web", "cat", "/sys/class/net/eth0/statistics/rx_bytes").stdout) / 1000

    before = counted()
    told = host.agent("stats", "--no-stream", "--format", "{{.Name}} {{.NetIO}}").stdout.splitlines()
    after = counted()
    assert told[1] == "beside -- / --"
    received, sent = re.fullmatch(r"web ([0-9.]+)kB / ([0-9.]+)kB", told[0]).groups()
    assert before - 0.1 < float(received) < after + 0.1
    assert float(sent) > 0.3


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_the_health_process_notices(host, fetch):
    """The health checker reloads flushed rules within seconds, repeatedly."""
    served(host, publish=["8080:80"], healthcheck="true", healthcheck_interval="1h")
    eventually(lambda: Path(host.layout.health_socket).exists(), "the process is there")
    assert nft.has_table("inet", rules.table_of(host.layout.root))
    for _again in range(2):
        nft.apply("flush ruleset")
        eventually(
            lambda: nft.has_table("inet", rules.table_of(host.layout.root)), "the rules are there again"
        )
    assert fetch("outside", f"{HOST4}:8080") == "host-web"


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_what_of_the_host_was_changed(host):
    """The engine reports its firewall backend, and the kernel parameters that are still as it set them."""
    sysctl.put("net/ipv4/ip_forward", "0")
    served(host)
    for _again in range(2):
        told = json.loads(host.agent("info", "--json").stdout)
        assert told["firewall"] in ("libnftables", "nft", "iptables")
        assert told["sysctls"]["net.ipv4.ip_forward"] == {"before": "0", "after": "1"}
        assert not any("slipway0" in name for name in told["sysctls"])
        host.bring("web", "restarted")
    sysctl.put("net/ipv4/ip_forward", "0")
    assert "net.ipv4.ip_forward" not in json.loads(host.agent("info", "--json").stdout)["sysctls"]


@pytest.mark.parametrize("runtime", ["runc"], indirect=True)
def test_a_warning_at_the_command_line(host):
    """The program prints warnings as well."""
    served(host)
    nft.apply("table inet mine { chain through { type filter hook forward priority 0; policy drop; }; }")
    try:
        done = host.agent("network", "reload")
    finally:
        nft.apply("delete table inet mine")
    assert done.returncode == 0
    assert done.stderr.startswith(
        "slipway: chain through of inet table mine drops the forwarded traffic of containers"
    )


REFUSED = [
    ({"publish": ["8080:80"]}, "in_use", "8080/tcp of the host is in use by py"),
    ({"publish": ["8081:80"]}, "in_use", "port 8081/tcp of the host is published by container web"),
    ({"publish": ["192.0.2.77:80:80"]}, "invalid_option", "not an address of this host"),
    ({"network": ["slipwai"]}, "not_found", "near: slipway"),
    ({"network": ["small:ip=10.98.0.3"]}, "in_use", "address of container web"),
    ({"network": ["small:ip=10.97.0.3"]}, "invalid_option", "in no subnet"),
    ({"network": ["small"], "ip": "10.97.0.3"}, "invalid_option", "ip: '10.97.0.3' is in no subnet"),
    ({"network": ["small"], "ip6": "fd00::3"}, "invalid_option", "ip6: 'fd00::3' is in no subnet"),
    ({"network": ["small"], "ip": "10.98.0.3"}, "in_use", "ip: 10.98.0.3 in network small"),
    ({"network": ["small:ip=10.98.0.1"]}, "invalid_option", "is the gateway"),
    (
        {"network": ["small"], "publish": ["[::1]:8083:80"]},
        "invalid_option",
        "no network of the container has IPv6",
    ),
    (
        {"network": ["inner"], "etc_hosts": {"me": "host-gateway"}},
        "invalid_option",
        "has no address in the container's networks",
    ),
    (
        {"network": ["inner"], "publish": ["80"]},
        "invalid_option",
        "has no effect: no port can be published into network inner (internal)",
    ),
    ({"network": ["given"], "publish": ["80"]}, "invalid_option", "into network given (unmanaged)"),
    ({"network": ["lan", "inner"], "publish_all": True}, "invalid_option", "lan (macvlan), inner (internal)"),
    ({"network": ["lan:ip=192.0.2.1"]}, "in_use", "192.0.2.1 in network lan is an address of the host"),
    (
        {"network": ["lost"]},
        "not_found",
        "no network interface named 'nowhere0'. Create it, or change the parent of network 'lost'",
    ),
    ({"network": ["parentless"]}, "host_lacks", "names no parent, and the host has no default route"),
    ({"network": ["absent"]}, "not_found", "no bridge named 'nowhere0'"),
    ({"network": ["no-bridge"]}, "not_found", "network 'no-bridge' needs; up0 is another kind of interface"),
    ({"network": ["small:interface_name=lo"]}, "invalid_option", "is the loopback device"),
    (
        {"network": ["container:web"], "etc_hosts": {"a": "10.1.1.1"}},
        "invalid_option",
        "set it for container web",
    ),
    ({"hosts_file": "/nosuch"}, "invalid_option", "/nosuch"),
    ({"hosts_file": "/dev/zero"}, "invalid_option", "hosts_file"),
]


@pytest.fixture
def given_bridge(on_the_host):
    """Create a bridge on the host with an address."""
    with Netlink() as netlink:
        netlink.ask(links.bridge("br9", mac="02:00:00:00:00:09"))
        (made,) = links.find(netlink, "br9")
        netlink.ask(addresses.add(made.ifindex, "10.91.0.1/24"))
        yield
        netlink.ask(links.delete("br9"))


def bad_networks(host) -> None:
    """Create networks whose requirements the host does not meet."""
    host.network("lan", macvlan="up0", subnet="192.0.2.0/24", gateway="192.0.2.254")
    host.network("lost", macvlan="nowhere0", subnet="10.94.0.0/24")
    host.network("parentless", driver="macvlan", subnet="10.94.0.0/24")
    host.network("absent", subnet="10.93.0.0/24", interface_name="nowhere0", opt={"mode": "unmanaged"})
    host.network("no-bridge", subnet="10.92.0.0/24", interface_name="up0", opt={"mode": "unmanaged"})


@pytest.mark.usefixtures("given_bridge")
def test_refused(host):
    """Invalid requests are refused with the reason, and change nothing."""
    host.network("given", subnet="10.91.0.0/24", interface_name="br9", opt={"mode": "unmanaged"})
    host.network("small", subnet="10.98.0.0/24")
    host.network("inner", internal=True)
    bad_networks(host)
    served(host, network=["small:ip=10.98.0.3", "slipway"], publish=["8081:80"])
    with socket.create_server(("", 8080)):
        before = host.picture(), host.links()
        for options, code, words in REFUSED:
            with pytest.raises(EngineError) as refused:
                host.start(*SERVER, name="new", **{**HOW, **options})
            assert refused.value.code == code, options
            assert words in str(refused.value)
            assert (host.picture(), host.links()) == before, options
    assert connects("10.98.0.3")


def test_a_port_in_use_leaves_the_old_container(host, fetch):
    """A replacement that wants a port in use does not stop the running container."""
    served(host, publish=["8080:80"])
    with socket.create_server(("", 8082)), pytest.raises(EngineError, match="8082/tcp of the host is in use"):
        served(host, publish=["8082:80"])
    assert fetch("outside", f"{HOST4}:8080") == "host-web"


def test_a_protocol_that_the_kernel_lacks(host):
    """An SCTP port is chosen and published even if the kernel has no SCTP sockets to reserve it."""
    shape = served(host, publish=["80/sctp"])
    [bound] = shape["NetworkSettings"]["Ports"]["80/sctp"]
    assert 0 < int(bound["HostPort"]) < 65536


BAD_CHANGES = [
    {"network": ["small", "slipway"], "publish": ["[::1]:8083:80"]},
    {"network": ["small:interface_name=net0", "slipway:interface_name=net0"]},
    {"network": ["small:mac=02:00:00:00:00:07"]},
    {"network": ["small:ip=10.98.0.3"]},
    {"network": ["full"]},
    {"publish": ["20000-22500:20000-22500"]},
    {"publish": ["8081:80"]},
    {"network": ["lost", "slipway"]},
    {"network": ["slipway", "no-bridge"]},
    {"network": ["inner"], "publish": ["8080:80"]},
]


def test_a_bad_change_leaves_the_old_container(host):
    """An invalid network change is refused before the running container is touched."""
    host.network("small", subnet="10.98.0.0/24")
    host.network("full", subnet="10.96.0.0/30")
    served(host, "other", network=["small:ip=10.98.0.3,mac=02:00:00:00:00:07", "full"], publish=["8081:80"])
    before = served(host, publish=["8080:80"])
    host.network("inner", internal=True)
    bad_networks(host)
    for options in BAD_CHANGES:
        for more in ({}, {"env": {"NEW": "1"}}):
            with pytest.raises(EngineError):
                host.start(*SERVER, name="web", **{**HOW, **options, **more})
            assert host.inspect("web") == before, options


def test_the_hosts_address_is_not_given_out(host):
    """In a network of the host's, a container gets none of the host's addresses."""
    host.network("lan", macvlan="up0", subnet="192.0.2.0/24", gateway="192.0.2.9")
    shape = host.start("sleep", "1000", name="box", **{**HOW, "network": ["lan"]})
    assert address_of(shape) == "192.0.2.2"


def test_check_mode(host):
    """Check mode foresees the default network without creating or choosing anything."""
    before = host.picture(), host.links()
    assert host.foreseen("started", *SERVER, network=None, publish=["8080:80"]) == ""
    assert (host.picture(), host.links()) == before
    assert "no network named 'nowhere'" in host.foreseen("started", *SERVER, network=["nowhere"])


def test_in_a_user_namespace(passable, fetch):
    """A container's user namespace owns its network namespace: its root can configure it."""
    host = passable
    served(host, publish=["8080:80"], uidmap=["0:100000:65536"], cap_add=["NET_ADMIN"])
    assert fetch("outside", f"{HOST4}:8080") == "host-web"
    alone = "wget -qO- http://web/hostname; ls /sys/class/net; busybox ip link set eth0 down && echo down"
    said = said_by(host, "other", alone, uidmap=["0:200000:65536"], cap_add=["NET_ADMIN"])
    assert said == ["host-web", "eth0", "lo", "down"]


def test_a_link_local_address(host):
    """A link-local address is added to the first interface, and reachable from others in the network."""
    host.network("near")
    served(host, network=["near", "slipway"], link_local_ip="169.254.7.1")
    ask = "wget -qO- http://169.254.7.1/hostname"
    assert said_by(host, "other", ask, network=["near"], link_local_ip="169.254.7.2") == ["host-web"]
    ask = "ip -6 address show eth0 | grep -c 'fe80::7/64 scope link'"
    assert said_by(host, "six", ask, network=["near"], link_local_ip="fe80::7") == ["1"]
