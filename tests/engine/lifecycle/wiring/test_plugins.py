# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers in networks of CNI plugins: Debian's bridge, host-local, portmap and tuning."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from powercut import reboot

from _engine.errors import EngineError
from _engine.lifecycle.network.tell import networks
from _engine.lifecycle.wiring import plugins
from _engine.network import cni
from _engine.plan.network import How
from _engine.state import networks as rows
from enginehost import eventually
from netlab import HOST4

MAC = "92:d0:c6:0a:29:33"
pytestmark = pytest.mark.parametrize("runtime", ["runc"], indirect=True)
HOW = {"network": ["corp"], "stop_timeout": 0}
SERVER = ("busybox", "httpd", "-f", "-p", "80", "-h", "/etc")
#: A plugin that fails at a given verb, with a message in the form of the spec, and logs the verbs of its calls.
FAILING = """#!/bin/sh
echo $CNI_COMMAND >>{log}
test $CNI_COMMAND = {verb} || {{ cat >/dev/null; echo '{{"cniVersion":"1.0.0"}}'; exit 0; }}
echo '{{"cniVersion":"1.0.0","code":11,"msg":"no room","details":"ask the operator"}}'
exit 1
"""


class Corp:
    """A list of plugins whose leases are in the test's directory."""

    def __init__(self, top: Path) -> None:
        self.leases, self.file = top / "leases", top / "corp.conflist"

    def write(self, *more: dict, version: str = "1.0.0", **bridge: object) -> None:
        """Write the list: a bridge with addresses of 10.97.0.0/24, and further plugins."""
        ranges = [[{"subnet": "10.97.0.0/24", "gateway": "10.97.0.1"}]]
        ipam = {"type": "host-local", "ranges": ranges, "dataDir": str(self.leases)}
        ipam["routes"] = [{"dst": "0.0.0.0/0"}]
        plugin = {"type": "bridge", "bridge": "corp0", "isGateway": True, "ipMasq": True, "ipam": ipam}
        plugin.update(capabilities={"ips": True, "mac": True}, dns={"nameservers": ["10.97.0.53"]}, **bridge)
        own = [{**one, "dataDir": str(self.leases)} for one in more]
        known = {"name": "corp", "cniVersion": version, "plugins": [plugin, *own]}
        self.file.write_text(json.dumps(known))

    @property
    def leased(self) -> list[str]:
        """Return the leased addresses."""
        return sorted(path.name for path in self.leases.glob("corp/10.*"))


PORTMAP = {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True}
TUNING = {"type": "tuning", "sysctl": {"net.core.somaxconn": "77"}}


@pytest.fixture
def corp(host, tmp_path, need):
    """Return a list of plugins, with a network that uses it."""
    need(os.path.exists("/usr/lib/cni/bridge"), "containernetworking-plugins")
    corp = Corp(tmp_path)
    corp.write(PORTMAP, TUNING)
    host.network("corp", driver="cni", opt={"conflist": str(corp.file)})
    yield corp
    subprocess.run(["ip", "link", "delete", "corp0"], check=False, capture_output=True)
    for family in ("iptables", "ip6tables"):
        for table in ("nat", "filter"):
            subprocess.run([family, "-t", table, "-F"], check=False, capture_output=True)
            subprocess.run([family, "-t", table, "-X"], check=False, capture_output=True)


def told(shape) -> tuple[str, str, int, str]:
    """Return address, gateway, prefix length and MAC address of a container in the network."""
    one = shape["NetworkSettings"]["Networks"]["corp"]
    return one["IPAddress"], one["Gateway"], one["IPPrefixLen"], one["MacAddress"]


@pytest.mark.parametrize("version", ["0.3.1", "0.4.0", "1.0.0"])
def test_a_container_of_plugins(host, corp, fetch, version):
    """What plugins assign is inspected as usual; ports, names and servers work; no lease is left."""
    corp.write(PORTMAP, TUNING, version=version)
    shape = host.start(*SERVER, name="web", hostname="host-web", publish=["8080:80"], **HOW)
    address, gateway, length, mac = told(shape)
    assert (address, gateway, length) == ("10.97.0.2", "10.97.0.1", 24)
    assert eventually(lambda: fetch("outside", f"{HOST4}:8080"), "the port answers") == "host-web"
    assert fetch("host", f"{address}:80") == "host-web"
    asked = (
        "ip link show eth0; cat /etc/resolv.conf /proc/sys/net/core/somaxconn; wget -qO- http://web/hostname"
    )
    host.want("started", "sh", "-c", asked, name="other", **HOW)
    host.ended("other")
    said = host.log("other")[0]
    assert "nameserver 10.97.0.53" in said
    assert said.splitlines()[-2:] == ["77", "host-web"]
    assert mac in shape["NetworkSettings"]["MacAddress"]
    with host.open(read_only=True) as engine:
        [known] = networks(engine, ["corp"]).result["networks"]
    assert known["containers"][shape["Id"]]["interfaces"]["eth0"]["subnets"] == [
        {"ipnet": "10.97.0.2/24", "gateway": "10.97.0.1"}
    ]
    host.bring("web", "absent", stop_time=0)
    assert corp.leased == []


def test_the_same_address_again(host, corp):
    """A container keeps its address after a restart, a kill and a replacement, unless another got it."""
    kept = told(host.start(*SERVER, name="web", **HOW))
    host.bring("web", "restarted")
    assert told(host.inspect("web")) == kept
    os.kill(host.inspect("web")["State"]["Pid"], signal.SIGKILL)
    host.ended("web")
    assert corp.leased == []
    assert told(host.start(*SERVER, name="web", **HOW)) == kept
    assert told(host.start(*SERVER, name="web", env={"NEW": "1"}, **HOW)) == kept
    host.bring("web", "stopped", stop_time=0)
    how = {**HOW, "network": ["corp:ip=10.97.0.2"]}
    assert told(host.start(*SERVER, name="thief", **how))[0] == "10.97.0.2"
    host.bring("web", "started")
    assert told(host.inspect("web"))[0] not in ("10.97.0.2", "")


def test_what_a_task_wishes(host, corp):
    """Address, MAC and interface are as requested; a request that plugins cannot fulfil leaves nothing."""
    wish = f"corp:ip=10.97.0.77,mac={MAC},interface_name=front"
    shape = host.start(*SERVER, name="web", **{**HOW, "network": [wish]})
    assert told(shape) == ("10.97.0.77", "10.97.0.1", 24, MAC)
    for vain in ("metric=5", "host_interface_name=x", "default_route=false"):
        with pytest.raises(EngineError, match="no effect on the plugins"):
            host.start(*SERVER, name="other", **{**HOW, "network": [f"corp:{vain}"]})
    for taken in ("10.97.0.77", "10.98.0.1"):
        with pytest.raises(EngineError, match="CNI plugin bridge of corp failed at ADD: failed to allocate"):
            host.start(*SERVER, name="other", **{**HOW, "network": [f"corp:ip={taken}"]})
    assert corp.leased == ["10.97.0.77"]


def test_it_is_taken_back_by_what_it_was_made_with(host, corp):
    """A detachment works after a change or loss of the plugins' list: it uses its own copy."""
    host.start(*SERVER, name="web", publish=["8080:80"], **HOW)
    corp.file.unlink()
    host.bring("web", "stopped", stop_time=0)
    assert corp.leased == []
    assert "8080" not in subprocess.run(["iptables-save"], check=True, capture_output=True, text=True).stdout
    assert "can't be read" in host.foreseen("started", *SERVER, **HOW)


def test_the_namespace_is_gone(host, corp):
    """If the namespace was lost with the run root, the address is freed nevertheless."""
    shape = host.start(*SERVER, name="web", **HOW)
    path = Path(host.layout.container(shape["Id"]).cni(host.record("web").endpoints[0].network_id))
    os.kill(shape["State"]["Pid"], signal.SIGKILL)
    host.ended("web")
    assert not path.exists()
    host.bring("web", "started")
    kept = path.read_bytes()
    host.bring("web", "stopped", stop_time=0)
    path.write_bytes(kept)  # a kill between DEL and the removal of the file
    (corp.leases / "corp/10.97.0.2").write_text(f"{shape['Id']}\r\neth0")
    host.bring("web", "absent", stop_time=0)
    assert corp.leased == []


REFUSED = [
    ({"plugins": [PORTMAP, {"type": "nothing"}]}, {}, "host_lacks", "CNI plugin nothing is not installed in"),
    ({"plugins": []}, {"publish": ["8080:80"]}, "invalid_option", "capability portMappings"),
    ({"plugins": [], "version": "2.0"}, {}, "invalid_option", "cniVersion '2.0' is not one of"),
]


@pytest.mark.parametrize(("how", "options", "code", "words"), REFUSED, ids=[row[3] for row in REFUSED])
def test_what_can_not_be_had(host, corp, how, options, code, words):
    """A missing plugin, an invalid list, and ports without a plugin for them are refused beforehand."""
    host.start(*SERVER, name="web", **HOW)
    corp.write(*how["plugins"], version=how.get("version", "1.0.0"))
    before = host.picture()
    with pytest.raises(EngineError, match=words) as caught:
        host.want("started", "busybox", "sleep", "9", name="web", **HOW, **options)
    assert caught.value.code == code
    assert host.picture() == before


@pytest.mark.parametrize("verb", ["ADD", "DEL"])
def test_a_plugin_that_fails(host, corp, tmp_path, monkeypatch, verb):
    """A plugin's message is reported; a failed ADD runs DEL, a failed DEL is a warning and is retried."""
    places = tmp_path / "bin"
    places.mkdir()
    log, program = tmp_path / "log", places / "failing"
    program.write_text(FAILING.format(log=log, verb=verb))
    program.chmod(0o755)
    monkeypatch.setattr(cni, "PLACES", (*cni.PLACES, str(places)))
    corp.write(PORTMAP, {"type": "failing"})
    if verb == "ADD":
        with pytest.raises(
            EngineError, match=r"failing of corp failed at ADD: no room: ask the operator \(code 11\)"
        ):
            host.start(*SERVER, name="web", **HOW)
        assert corp.leased == []
        assert log.read_text().split() == ["ADD", "DEL"]
        return
    shape = host.start(*SERVER, name="web", **HOW)
    with host.open() as engine, engine.lock_container(shape["Id"], "test"):
        plugins.delete(engine, host.record("web"), plugins_network(engine))
        assert "no room" in str(engine.warned[0])
    assert corp.leased == []
    program.unlink()
    program.write_text(FAILING.format(log=log, verb="-"))
    program.chmod(0o755)
    host.bring("web", "absent", stop_time=0)
    assert log.read_text().split()[-2:] == ["DEL", "DEL"]


def plugins_network(engine):
    """Return the network's row."""
    with engine.database.reading() as connection:
        return rows.by_name(connection, "corp")


def test_a_list_by_name(host, corp, tmp_path, monkeypatch):
    """A list is found by the name in it, whatever its file name; a new network without one is refused."""
    monkeypatch.setattr(cni, "DIRECTORY", str(tmp_path))
    for name in ("1-broken.conflist", "2-other.json"):
        (tmp_path / name).write_text(
            "{" if "broken" in name else '{"name":"x","cniVersion":"1.0.0","type":"bridge"}'
        )
    host.network("other", driver="cni", opt={"conflist": "corp"})
    host.network("x", driver="cni")
    with pytest.raises(EngineError, match="is not the name of a list of CNI plugins"):
        host.network("new", driver="cni")
    with pytest.raises(EngineError, match="decided by the plugins"):
        host.network("new", driver="cni", subnet=["10.1.0.0/24"], opt={"conflist": "corp"})
    assert told_in(host.start(*SERVER, name="web", **{**HOW, "network": ["other"]}), "other") == "10.97.0.2"


def told_in(shape, network: str) -> str:
    """Return the address of a container in a network."""
    return shape["NetworkSettings"]["Networks"][network]["IPAddress"]


def test_reload(host, corp, fetch):
    """CHECK finds what an attachment has lost; it is repeated with the same address, and others are kept."""
    corp.write(TUNING)
    host.start(*SERVER, name="plain", **HOW)
    corp.write(PORTMAP)
    kept = told(host.start(*SERVER, name="web", hostname="host-web", publish=["8080:80"], **HOW))
    assert eventually(lambda: fetch("outside", f"{HOST4}:8080"), "the port answers") == "host-web"
    before = host.inspect("plain")["State"]["Pid"], interface(host, "plain")
    subprocess.run(["iptables", "-t", "nat", "-F", "CNI-HOSTPORT-DNAT"], check=True)
    assert fetch("outside", f"{HOST4}:8080", wait=0.3) == ""
    assert host.agent("network", "reload").returncode == 0
    assert (told(host.inspect("web")), fetch("outside", f"{HOST4}:8080")) == (kept, "host-web")
    assert (host.inspect("plain")["State"]["Pid"], interface(host, "plain")) == before


def interface(host, name: str) -> str:
    """Return the index of a container's interface, which changes when it is recreated."""
    argv = [
        "nsenter",
        f"--net={host.layout.container(host.record(name).id).netns}",
        "cat",
        "/sys/class/net/eth0/ifindex",
    ]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def test_a_reboot(host, corp):
    """Leases that a reboot leaves on disk are released, and the container starts with its address."""
    kept = told(host.start(*SERVER, name="web", **HOW))
    reboot(host)
    assert corp.leased == ["10.97.0.2"]
    with host.open():
        assert corp.leased == []
    host.bring("web", "started")
    assert told(host.inspect("web")) == kept


def test_beside_a_bridge(host, corp, fetch):
    """A container that also has a bridge network gets its ports published there, and names in both."""
    shape = host.start(
        *SERVER,
        name="web",
        hostname="host-web",
        publish=["127.0.0.1::80"],
        **{**HOW, "network": ["corp", "slipway"]},
    )
    assert [*shape["NetworkSettings"]["Networks"]] == ["corp", "slipway"]
    port = shape["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]
    assert eventually(lambda: fetch("host", f"127.0.0.1:{port}", wait=1.0), "the port answers") == "host-web"
    assert (
        "CNI-DN" not in subprocess.run(["iptables-save"], check=True, capture_output=True, text=True).stdout
    )
    hosts = Path(host.layout.container(shape["Id"]).files, "hosts").read_text()
    assert "10.97.0.2\thost-web web\n" in hosts


#: A plugin that keeps running for a while after its task was killed.
SLOW = """#!/bin/sh
cat >/dev/null
test $CNI_COMMAND = ADD || {{ echo $CNI_COMMAND >>{log}; exit 0; }}
parent=$PPID; echo begun >>{log}
while kill -0 $parent 2>/dev/null; do sleep 0.02; done
sleep 0.5; echo done >>{log}; echo '{{"cniVersion":"1.0.0"}}'
"""


def test_a_plugin_that_was_left_is_waited_for(host, corp, tmp_path, monkeypatch):
    """A plugin that a killed task left is waited for before DEL is called."""
    log, program = tmp_path / "log", tmp_path / "slow"
    program.write_text(SLOW.format(log=log))
    program.chmod(0o755)
    monkeypatch.setattr(cni, "PLACES", (*cni.PLACES, str(tmp_path)))
    corp.write({"type": "slow"})
    pid = os.fork()
    if pid == 0:
        try:
            host.start(*SERVER, name="web", **HOW)
        finally:
            os._exit(1)
    eventually(log.exists, "the plugin has begun")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    host.bring("web", "absent", stop_time=0)
    assert log.read_text().split() == ["begun", "done", "DEL"]
    assert corp.leased == []


def test_a_change_that_plugins_have_a_say_in(host, corp):
    """A change of networks to or from a network of plugins recreates the container."""
    host.network("plain", subnet="10.98.0.0/24")
    host.start(*SERVER, name="web", **{**HOW, "network": ["plain"]})
    for change in (
        {"network": ["plain", "corp"]},
        {"network": ["plain", "corp:alias=x"]},
        {"network": ["plain"]},
    ):
        outcome = host.want("started", *SERVER, name="web", **{**HOW, **change})
        assert (outcome.cost, outcome.actions[-1]) == ("recreate", "started web"), change
        assert corp.leased == (["10.97.0.2"] if len(change["network"]) > 1 else [])


def test_removed_by_force_and_made_anew(host, corp):
    """A removal or recreation of a network of plugins detaches its containers, or attaches them again."""
    shape = host.start(*SERVER, name="web", **HOW)
    options = {"driver": "cni", "opt": {"conflist": str(corp.file)}}
    host.network("corp", how=How(recreate=True), **options)
    found = host.inspect("web")
    assert (found["State"]["Pid"], told(found)) == (shape["State"]["Pid"], told(shape))
    assert corp.leased == ["10.97.0.2"]
    host.network("corp", "absent", how=How(force=True))
    assert corp.leased == []
    assert host.inspect("web")["State"]["Pid"] == shape["State"]["Pid"]
    assert host.record("web").spec.network == ("none",)


def test_other_networks_and_ports(host, corp, fetch):
    """A container joins a network of plugins, changes its ports there, and leaves it without leftovers."""
    how = {**HOW, "name": "web", "hostname": "host-web"}
    host.start(*SERVER, **{**how, "network": ["slipway"]})
    assert told(host.start(*SERVER, **{**how, "network": ["slipway", "corp"]}))[:2] == (
        "10.97.0.2",
        "10.97.0.1",
    )
    for port in ("8080", "8081"):
        host.start(*SERVER, **{**how, "network": ["corp"]}, publish=[f"{port}:80"])
        eventually(lambda: fetch("outside", f"{HOST4}:{port}", wait=1.0), "the port answers")  # noqa: B023
    assert fetch("outside", f"{HOST4}:8080", wait=0.3) == ""
    assert corp.leased == ["10.97.0.2"]
    host.start(*SERVER, **{**how, "network": ["slipway"]})
    assert corp.leased == []
