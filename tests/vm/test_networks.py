# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of a host with systemd: after a reboot, beside a real firewalld, and straight on an interface of the host."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping

import pytest

from enginehost import eventually

#: Answers with the container's name, which is its host name.
SERVER = ("busybox", "httpd", "-f", "-p", "80", "-h", "/etc")
#: The host's second interface, whose other end is a host outside.
HOST, OUTSIDE = "192.0.2.1", "192.0.2.2"
OUTSIDE_MADE = f"""
set -e
ip netns add outside
ip link add up0 type veth peer name eth0 netns outside
ip address add {HOST}/24 dev up0 && ip link set up0 up
ip -n outside address add {OUTSIDE}/24 dev eth0 && ip -n outside link set eth0 up && ip -n outside link set lo up
ip netns exec outside python3 -m http.server --directory /etc 80 >/dev/null 2>&1 </dev/null &
"""


@pytest.fixture
def outside(clean):
    """Return the machine with a host outside, and remove the networks and that host."""
    machine = clean
    machine.run(OUTSIDE_MADE)
    yield machine
    machine.run("slipway rm --all --force --time 0; slipway network ls --quiet | xargs -r slipway network rm")
    # The namespace alone would take the interface with it some time later.
    machine.run("ip netns pids outside | xargs kill; ip link delete up0; ip netns delete outside")
    assert machine.run("nft list tables; ip -brief link | grep -E 'slipway|^sw'; true") == ""


def network(name: str, **options: object) -> dict:
    """Return the task that makes a network."""
    return {"name": name, "slipway.oci.network": {"name": name, **options}}


def fetched(machine, url: str, *, outside: bool = True) -> str:
    """Return what a web server says to a client outside, or on the host: "" where none answers in time."""
    where = "ip netns exec outside " if outside else ""
    fetch = f"from urllib.request import urlopen as o; print(o('http://{url}/hostname', timeout=5).read().decode())"
    return machine.run(f'{where}python3 -c "{fetch}"', check=False)


def answers(machine, url: str, name: str, **how: object) -> None:
    """Fail unless the container of this name comes to answer at the address."""
    eventually(lambda: fetched(machine, url, **how) == name, f"{name} answers at {url}", timeout=60)


def identity(shape: Mapping) -> dict:
    """Return what a container keeps: its addresses, MAC addresses and ports."""
    settings = shape["NetworkSettings"]
    kept = ("IPAddress", "GlobalIPv6Address", "MacAddress")
    nets = {name: [one[key] for key in kept] for name, one in settings["Networks"].items()}
    return {**nets, "ports": settings["Ports"]}


@pytest.mark.ci
def test_reboot(outside):
    """After a reboot containers have the same addresses, MAC addresses and ports, and answer by name and at their ports."""
    machine = outside
    kept = {"restart_policy": "always", "stop_timeout": 0}
    both = {"subnet": ["10.77.0.0/24", "fd77::/64"]}
    machine.have(
        network("shop", **both),
        machine.container("db", *SERVER, hostname="db", network=["shop:alias=database"], **kept),
        machine.container(
            "web", *SERVER, hostname="web", network=["shop", "slipway"], publish=["8080:80", "80"], **kept
        ),
    )
    before = {name: identity(machine.inspect(name)) for name in ("db", "web")}
    port = before["web"]["ports"]["80/tcp"][1]["HostPort"]
    answers(machine, f"{HOST}:8080", "web")
    machine.do("reboot")
    machine.settled()
    machine.run(OUTSIDE_MADE)
    assert {name: identity(machine.inspect(name)) for name in ("db", "web")} == before
    answers(machine, f"{HOST}:8080", "web")
    answers(machine, f"{HOST}:{port}", "web")
    for name in ("database", "db"):
        assert machine.run(f"slipway exec web busybox wget -qO- http://{name}/hostname") == "db"
    assert machine.run("slipway exec db busybox wget -qO- http://web/hostname") == "web"


@pytest.mark.ci
def test_firewalld(outside):
    """Beside firewalld ports answer and containers reach outside, also after its reload; with the network its zone forgets us."""
    machine = outside
    machine.run("systemctl start firewalld")
    try:
        machine.run("firewall-cmd --zone=drop --change-interface=up0")
        task = machine.container(
            "web", *SERVER, hostname="web", publish=["8080:80"], network="slipway", stop_timeout=0
        )
        machine.have(task)
        ask = f"slipway exec web busybox wget -qO- http://{OUTSIDE}/hostname"
        for told in ("state", "reload", "complete-reload"):
            machine.run(f"firewall-cmd --{told}")
            answers(machine, f"{HOST}:8080", "web")
            answers(machine, "127.0.0.1:8080", "web", outside=False)
            assert machine.run(ask) == "vmhost"
        assert machine.run("firewall-cmd --zone=trusted --list-interfaces") == "slipway0"
        machine.run("slipway rm --force --time 0 web")
        for scope in ("", "--permanent"):
            assert machine.run(f"firewall-cmd {scope} --zone=trusted --list-interfaces") == ""
    finally:
        machine.run("systemctl stop firewalld; rm -rf /etc/firewalld/zones/*")


#: A server and a client of SCTP, which Python has no module for but the kernel's sockets.
SCTP_SERVER = (
    "s = socket(AF_INET, SOCK_STREAM, 132); s.bind(('', 99)); s.listen(); c, who = s.accept();"
    " c.sendall(who[0].encode())"
)
SCTP_CLIENT = (
    f"s = socket(AF_INET, SOCK_STREAM, 132); s.connect(('{HOST}', 9999)); print(s.recv(99).decode())"
)


def test_sctp(outside):
    """A published port of SCTP leads to the container, which sees the address of its client."""
    machine = outside
    machine.have(
        machine.container("box", "sleep", "1000", network="slipway", publish=["9999:99/sctp"], stop_timeout=0)
    )
    pid = machine.inspect("box")["State"]["Pid"]
    serve, ask = (f'python3 -c "from socket import *; {text}"' for text in (SCTP_SERVER, SCTP_CLIENT))
    machine.run(f"modprobe sctp; nsenter --net --target {pid} {serve} >/dev/null 2>&1 </dev/null &")
    asked = f"ip netns exec outside timeout 10 {ask}"
    eventually(lambda: machine.run(asked, check=False) == OUTSIDE, "the server answers", timeout=60)


def test_vlans_of_a_bridge_that_is_given(outside):
    """Containers of a network with a VLAN, on a bridge of somebody else, are in that VLAN alone, and reach each other there."""
    machine = outside
    machine.run("ip link add br9 type bridge vlan_filtering 1 && ip link set br9 up")
    opt = {"mode": "unmanaged", "vlan": 7}
    machine.have(
        network("seven", interface_name="br9", subnet="10.79.7.0/24", opt=opt),
        *(
            machine.container(name, *SERVER, hostname=name, network=["seven"], stop_timeout=0)
            for name in ("one", "other")
        ),
    )
    ports = json.loads(machine.run("bridge -json vlan show"))
    found = [[vlan["vlan"] for vlan in port["vlans"]] for port in ports if port["ifname"].startswith("sw")]
    assert sorted(found) == [[7], [7]]
    assert machine.run("slipway exec one busybox wget -qO- http://other/hostname") == "other"
    machine.run("slipway rm --all --force --time 0; ip link delete br9")


#: What is straight on an interface of the host: driver, mode, subnet and the addresses of two containers.
NEAR = (f"{HOST}/24", ("192.0.2.65", "192.0.2.66"))
FAR = ("10.78.0.0/24", ("10.78.0.5", "10.78.0.6"))
DIRECT = [
    pytest.param("macvlan", "bridge", *NEAR, id="macvlan", marks=pytest.mark.ci),
    pytest.param("ipvlan", "l2", *NEAR, id="ipvlan l2"),
    pytest.param("ipvlan", "l3", *FAR, id="ipvlan l3"),
]


@pytest.mark.parametrize(("driver", "mode", "subnet", "ips"), DIRECT)
def test_straight_on_an_interface(outside, driver, mode, subnet, ips):
    """Containers of macvlan and ipvlan reach hosts outside and each other by name, and are reached from outside."""
    machine = outside
    machine.run(f"ip -n outside route add 10.78.0.0/24 via {HOST}")
    subnet = str(ipaddress.ip_network(subnet, strict=False))
    gateway = {} if mode == "l3" else {"gateway": OUTSIDE}
    opt = {"parent": "up0", "mode": mode}
    machine.have(
        network("direct", driver=driver, subnet=subnet, opt=opt, **gateway),
        *(
            machine.container(name, *SERVER, hostname=name, network=[f"direct:ip={ip}"], stop_timeout=0)
            for name, ip in zip(("first", "second"), ips)
        ),
    )
    answers(machine, ips[0], "first")
    for url, name in ((OUTSIDE, "vmhost"), ("second", "second")):
        assert machine.run(f"slipway exec first busybox wget -qO- http://{url}/hostname") == name
