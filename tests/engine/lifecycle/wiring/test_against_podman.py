# SPDX-License-Identifier: GPL-3.0-or-later
"""Network configurations compared with podman: inspection, the inside of the container, and reachability.

A place that differs has a row in docs/compat.md, below *Beside podman*; a difference without a row fails, and so does a row
without a difference.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import podmannet
import pytest
from ansible_collections.slipway.oci.plugins.module_utils._module.options import ENGINE_OPTIONS
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.network_options import ARGUMENTS
from netcases import CASES, NETWORKS, PEERS, Case

from _engine.lifecycle.network.tell import networks as tell_networks
from _engine.model.container.options import OPTIONS
from dockerarchive import layer, write_archive
from enginehost import Host
from netlab import HOST4, Lab

COMPAT = Path(__file__).parents[4] / "docs/compat.md"
IMAGE = "localhost/net:1"
OF_THE_IMAGE = {
    "etc/hosts": b"10.9.9.9 of-the-image\n",
    "etc/hostname": b"of-the-image\n",
    "etc/resolv.conf": b"nameserver 10.9.9.9\n",
}
SERVER = ("sh", "-c", "for port in 80 81; do busybox httpd -p $port -h /; done; exec sleep 100000")
#: Seconds that a client waits for an expected answer, for an unexpected one, and between attempts.
LATE, LOST, TRY = 10.0, 0.4, 1.0
#: Options that are not properties of a network: its name, and what the task does with it.
OF_THE_TASK = {"name", "state", "recreate", "force"}

#: The rows of docs/compat.md with the places that differ, including those below; after @, the only case concerned.
ROWS = {
    "first-network": (
        "Gateway; GlobalIPv6Address; GlobalIPv6PrefixLen; IPAddress; IPPrefixLen; IPv6Gateway; MacAddress"
    ),
    "address-order": (
        "Networks.slipway.IPAddress@default network by name; inside.addresses@default network by name;"
        " inside.hosts.ID@default network by name; inside.hosts.box@default network by name"
    ),
    "of-another": (
        "HostConfig.NetworkMode@of another; Networks@of another; SandboxKey@of another;"
        " inside.hosts.ID@of another; inside.hosts.box@of another"
    ),
    "published-alone": "HostConfig.PortBindings@exposed",
    "publish-all": "HostConfig.PublishAllPorts@all ports",
    "dns-none": "HostConfig.Dns@no resolver",
    "docker-name": "inside.hosts.host.docker.internal",
    "its-host": (
        "inside.hosts.host.containers.internal@two networks; inside.hosts.host.containers.internal@net internal;"
        " inside.hosts.host.containers.internal@net macvlan; inside.hosts.host.containers.internal@host;"
        " inside.hosts.host.containers.internal@net without addresses"
    ),
    "default-names": "inside.resolver@nothing; inside.resolver@default network by name",
    "one-resolver": "inside.resolver.nameserver; inside.resolver.search@two networks; reach.itself-peer.dns.podman@resolver",
    "metric": "inside.routes.default4 eth0.metric; inside.routes.default6 eth0.metric; inside.routes.default4 net0.metric;"
    " inside.routes.default6 net0.metric",
    "one-way-out": "inside.routes.default4 eth1@two networks",
    "hairpin": f"reach.itself-{HOST4}:8080@ports",
    "no-network": "inside.hosts@none; inside.resolver@none; inside.hosts.box@host; inside.hosts.HOST@host",
    "link-local": "inside.addresses@link-local; inside.routes.169.254.0.0/164 eth0@link-local",
    "usual-mode": "networks.n19.options@net macvlan",
    "newer": (
        "inside.hostname@no hostname; inside.hosts@hosts file; networks.n20@net newer; inside.routes@net newer"
    ),
}
#: Podman iterates over a map here, in an order that differs between runs.
BY_CHANCE = {"inside.hosts.host.containers.internal@two networks"}
OF = {place.strip(): row for row, places in ROWS.items() for place in places.split(";")}


class Ours:
    """The engine on the host of a lab."""

    def __init__(self, lab: Lab, host: Host) -> None:
        self.lab, self.host = lab, host

    def network(self, name: str, options: dict[str, Any], _words: str) -> None:
        """Create a network."""
        own = {key: value for key, value in options.items() if key != "label"}
        self.lab.host(self.host.network, name, labels=options.get("label"), **own)

    def start(self, name: str, options: dict[str, Any], _words: str) -> dict[str, Any]:
        """Start a container, and return its shape."""
        own = {"network": None, "stop_timeout": 0, **options}
        return self.lab.host(self.host.start, *SERVER, name=name, **own)

    def told_network(self, name: str) -> dict[str, Any]:
        """Return the shape of a network."""
        with self.host.open(read_only=True) as engine:
            return tell_networks(engine, [name]).result["networks"][0]

    def remove(self, name: str, networks: Mapping[str, Any]) -> None:
        """Remove a container and these networks."""
        self.lab.host(self.host.bring, name, "absent", stop_time=0)
        for one in networks:
            self.lab.host(self.host.network, one, "absent")


class Theirs:
    """Podman on the host of another lab."""

    def __init__(self, lab: Lab, podman: podmannet.PodmanHost) -> None:
        self.lab, self.podman = lab, podman

    def network(self, name: str, _options: dict[str, Any], words: str) -> None:
        """Create a network."""
        self.podman.run("network", "create", *words.split(), name)

    def start(self, name: str, _options: dict[str, Any], words: str) -> dict[str, Any]:
        """Start a container, and return its shape."""
        return self.podman.start(name, words.split(), IMAGE, *SERVER)

    def told_network(self, name: str) -> dict[str, Any]:
        """Return the shape of a network."""
        return self.podman.inspect(name, "network")

    def remove(self, name: str, networks: Mapping[str, Any]) -> None:
        """Remove a container and these networks."""
        self.podman.run("rm", "--force", "--time", "0", name)
        for one in networks:
            self.podman.run("network", "rm", one)


@contextmanager
def running(side: Ours | Theirs) -> Iterator[dict[str, int]]:
    """Start the permanent containers, and yield their PIDs by name."""
    for name, (options, words) in NETWORKS.items():
        side.network(name, options, words)
    try:
        shapes = {
            name: side.start(
                name, {"network": [network], "hostname": name}, f"--network {network} --hostname {name}"
            )
            for name, network in PEERS.items()
        }
        yield {name: shape["State"]["Pid"] for name, shape in shapes.items()}
    finally:
        for name in PEERS:
            side.remove(name, {})


def compared(side: Ours | Theirs, name: str, case: Case, pids: dict[str, int]) -> dict[str, Any]:
    """Return the values of a case to compare, by place; its container and networks are removed afterwards."""
    for network, (options, words) in case.networks.items():
        side.network(network, options, words)
    shape = side.start("box", case.options, case.words)
    try:
        pid = shape["State"]["Pid"]
        networks = {network: side.told_network(network) for network in case.networks}
        seen = {
            **shape["NetworkSettings"],
            "HostConfig": {key: shape["HostConfig"][key] for key in HOST_CONFIG},
            "networks": networks,
            "inside": {**files(pid), **({} if case.options.get("network") == ["host"] else interfaces(pid))},
        }
        places = normal(flat(seen), shape, case)
        pids = {**pids, "itself": pid}
        for who, what in (*case.reach, *case.closed):
            place = f"reach.{who}-{what}"
            lost = (who, what) in case.closed or (isinstance(side, Theirs) and reasons(place, name))
            places[place] = asked(side.lab, pids, who, what, LOST if lost else LATE)
        return places
    finally:
        side.remove("box", case.networks)


HOST_CONFIG = "NetworkMode PortBindings PublishAllPorts Dns DnsOptions DnsSearch ExtraHosts".split()


def asked(lab: Lab, pids: dict[str, int], who: str, what: str, wait: float) -> bool:
    """Return whether a client gets an answer of the web server within ``wait`` seconds."""
    there = [f"--target={pids[who]}", "--net", "--mount"] if who in pids else [f"--net={lab.path(who)}"]
    argv = ["nsenter", *there, "/bin/busybox", "wget", "-qO/dev/null", f"http://{what}/etc/passwd"]
    deadline = time.monotonic() + wait
    while (left := deadline - time.monotonic()) > 0:
        with suppress(subprocess.TimeoutExpired):
            if not subprocess.run(argv, check=False, capture_output=True, timeout=min(left, TRY)).returncode:
                return True
    return False


def interfaces(pid: int) -> dict[str, Any]:
    """Return the interfaces, addresses and routes of a process's network namespace."""

    def told(*words: str) -> list[dict[str, Any]]:
        argv = ["nsenter", f"--target={pid}", "--net", "ip", "-json", *words]
        return json.loads(subprocess.run(argv, check=True, capture_output=True).stdout or "[]")

    links, routes = told("address"), [*told("-4", "route"), *told("-6", "route")]
    return {
        "mtu": {link["ifname"]: link["mtu"] for link in links},
        "addresses": sorted(
            f"{link['ifname']} {one['local']}/{one['prefixlen']}"
            for link in links
            for one in link["addr_info"]
            if one["scope"] != "link"
        ),
        "routes": {
            f"{one['dst']}{version(one)} {one['dev']}": {
                "via": one.get("gateway"),
                "metric": one.get("metric", 0),
            }
            for one in routes
            if not one["dst"].startswith(("fe80", "ff"))
        },
    }


def version(one: dict[str, Any]) -> int:
    """Return the IP version of a route."""
    return 6 if ":" in one.get("gateway", one["dst"]) else 4


def files(pid: int) -> dict[str, Any]:
    """Return a container's hosts by name, resolver words by keyword, and host name, from its files."""
    hosts, resolver, hostname = (
        Path(f"/proc/{pid}/root/etc/{name}").read_text() for name in ("hosts", "resolv.conf", "hostname")
    )
    by_name: dict[str, list[str]] = {}
    for address, *names in (line.partition("#")[0].split() or [""] for line in hosts.splitlines()):
        for name in names:
            by_name[name] = sorted({*by_name.get(name, []), address})
    by_keyword: dict[str, list[str]] = {}
    for keyword, *words in (line.split() or [""] for line in resolver.splitlines()):
        by_keyword.setdefault(keyword, []).extend(words)
    return {"hosts": by_name, "resolver": by_keyword, "hostname": hostname.strip()}


def flat(value: object, path: str = "") -> dict[str, Any]:
    """Return the values of a document by their places; a list is a value."""
    if not isinstance(value, dict) or not value:
        return {path: value}
    return {
        place: item
        for key, below in value.items()
        for place, item in flat(below, f"{path}.{key}".lstrip(".")).items()
    }


#: Keys of a network that differ between any two.
OWN = re.compile(r"networks\.[^.]*\.(id|created|used_by|containers.*)")


def normal(places: dict[str, Any], shape: dict[str, Any], case: Case) -> dict[str, Any]:
    """Return places and values with everything normalized that differs between any two containers."""
    text = json.dumps({place: item for place, item in places.items() if not OWN.fullmatch(place)})
    for word in (shape["Id"], shape["Id"][:12]):
        text = text.replace(word, "ID")
    text = text.replace(f'"inside.hosts.{socket.gethostname()}"', '"inside.hosts.HOST"')
    text = text.replace("Networks.podman.", "Networks.slipway.").replace('"podman"', '"slipway"')
    found = json.loads(text)
    asked_for = str(case)
    for place, item in found.items():
        if place.endswith("MacAddress") and item and item not in asked_for:
            found[place] = "MAC"
        if place.endswith("network_interface"):
            found[place] = re.sub(r"podman\d+|sw-[0-9a-f]{8}", "bridge", item)
        if place.endswith("SandboxKey"):
            found[place] = bool(item)
        if "Port" in place and isinstance(item, list):
            found[place] = sorted(
                (one["HostIp"], one["HostPort"] if one["HostPort"] in asked_for else "chosen") for one in item
            )
    return found


@pytest.fixture(scope="module")
def found(need, lab, hosts, keep_clean, busybox, tmp_path_factory):
    """Return, by case, the places that differ, with our value and podman's."""
    layers = [busybox, layer({"etc": None, **OF_THE_IMAGE})]
    archive = write_archive(tmp_path_factory.mktemp("i") / "i.tar", IMAGE, layers)
    beside = Lab(tmp_path_factory.mktemp("lab"))
    outside = []
    try:
        for one in (lab, beside):
            argv = [
                "nsenter",
                f"--net={one.path('outside')}",
                "busybox",
                "httpd",
                "-f",
                "-p",
                "70",
                "-h",
                "/",
            ]
            outside.append(subprocess.Popen(argv))
        host = Host(tmp_path_factory.mktemp("n"), "runc", IMAGE)
        with host.open():
            pass
        with (
            podmannet.opened(beside, tmp_path_factory.mktemp("p"), archive) as podman,
            contextmanager(keep_clean)(host, images=True),
        ):
            host.load(archive)
            theirs, ours = Theirs(beside, podman), Ours(lab, host)
            with running(theirs) as their_pids, running(ours) as our_pids:
                yield {
                    name: differences(
                        compared(ours, name, case, our_pids), compared(theirs, name, case, their_pids)
                    )
                    for name, case in CASES.items()
                }
    finally:
        for one in outside:
            one.kill()
            one.wait()
        beside.close()


def differences(mine: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return our value and podman's for each place that differs or is missing on one side."""
    both = {place: (mine.get(place, "not there"), other.get(place, "not there")) for place in {*mine, *other}}
    return {
        place: pair for place, pair in sorted(both.items()) if pair[0] != pair[1] and not unsaid(place, *pair)
    }


def unsaid(place: str, mine: Any, other: Any) -> bool:
    """Return whether podman omits an empty value of a network, where we always have the key."""
    return place.startswith("networks.") and other == "not there" and not mine


def reasons(place: str, name: str) -> set[str]:
    """Return the places of the table that cover a place of a case."""
    parts = place.split(".")
    above = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
    return OF.keys() & {*above, *(f"{one}@{name}" for one in above)}


@pytest.mark.parametrize("name", CASES)
def test_a_configuration_is_podmans(found, name):
    """Inspection, inside and reachability equal podman's, or the place has a row in docs/compat.md."""
    assert {place: pair for place, pair in found[name].items() if not reasons(place, name)} == {}


def test_every_difference_has_its_reason(found):
    """The table of docs/compat.md has exactly the rows above, and each covers places that differ."""
    section = COMPAT.read_text().partition("\n### Beside podman\n")[2].partition("\n##")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \| (.+) \| (.+) \|$", section, re.MULTILINE)
    assert sorted(row[0] for row in rows) == sorted(ROWS)
    needed = {one for name, places in found.items() for place in places for one in reasons(place, name)}
    assert sorted(OF.keys() - needed - BY_CHANCE) == []


def test_every_option_has_a_case():
    """Each option of networks, and each network option of containers, is set in a case."""
    names = [option.name for option in OPTIONS]
    about = {*names[names.index("network") : names.index("hosts_file") + 1]}
    about |= {option.name for option in OPTIONS if option.applied.startswith("lifecycle.wiring")}
    assert about <= {option for case in CASES.values() for option in case.options}
    networks = [NETWORKS, *(case.networks for case in CASES.values())]
    said = {option for known in networks for options, _words in known.values() for option in options}
    assert ARGUMENTS.keys() - OF_THE_TASK - ENGINE_OPTIONS.keys() == said
