# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure networks against netavark and podman, and a start in one against a start without; the host is a network namespace."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import podmannet

from _engine.agent.install import exit_command
from _engine.kernel.net import netns
from _engine.kernel.process import Process
from _engine.lifecycle.converge.container import converge
from _engine.lifecycle.converge.request import Request
from _engine.lifecycle.network.converge import converge_network
from _engine.lifecycle.wiring import connect
from _engine.model.container.spec import ContainerSpec
from _engine.model.network import grammar
from _engine.state import containers
from figure import Figure, medians, seconds_of
from netlab import Lab
from place import Place, undisturbed
from playbook import Plays, task
from starting import IMAGE, Host, wait_gone

#: Where Debian, Fedora and others have it.
_NETAVARK = next(
    (path for path in ("/usr/lib/podman/netavark", "/usr/libexec/podman/netavark") if os.path.exists(path)),
    "netavark",
)
_NAME = "bench"
_COMMAND = ["/bin/sleep", "1000"]
#: Containers that one play makes.
_MANY = 100
_PORTS = 20000


def measure_network(place: Place, host: Host, rounds: int) -> list[Figure]:
    """Return the figures of attach + detach, of starts, and of a play; all of it in network namespaces of their own."""
    with _labs(place) as (lab, beside):
        lab.host(_make_network, host)
        lab.host(_start, host, "neighbour", {"network": [_NAME]})
        try:
            return [
                *_attach(place, lab, beside, host, rounds),
                *_starts(lab, host, rounds),
                _play(place, lab, beside, host),
            ]
        finally:
            with undisturbed():
                lab.host(_clear, host)


@contextmanager
def _labs(place: Place) -> Iterator[list[Lab]]:
    """Give two hosts: netavark's rules shall not be in the way of ours, nor ours in that of podman's."""
    labs = [Lab(Path(place.fresh("lab"))) for _host in range(2)]
    try:
        yield labs
    finally:
        with undisturbed():
            for lab in labs:
                lab.close()


def _make_network(host: Host, state: str = "present") -> None:
    with host.open() as engine:
        converge_network(engine, grammar.parse({"name": _NAME}), state)


def _spec(name: str, options: Mapping[str, Any]) -> ContainerSpec:
    return ContainerSpec.parse({"name": name, "image": IMAGE, "command": _COMMAND, **options})


def _start(host: Host, name: str, options: Mapping[str, Any], state: str = "started") -> dict[str, Any]:
    with host.open() as engine:
        outcome = converge(engine, Request(name, state, _spec(name, options)), exit_command)
    return dict(outcome.result["container"])


def _clear(host: Host) -> None:
    with host.open() as engine, engine.database.reading() as connection:
        names = [record.spec.name for record in containers.all(connection) if record.endpoints]
    for name in names:
        host.bring(name, "absent")
    for network in (_NAME, "slipway"):
        with host.open() as engine:
            converge_network(engine, grammar.parse({"name": network}), "absent")


# -- attach and detach ---------------------------------------------------------------------------


def _attach(place: Place, lab: Lab, beside: Lab, host: Host, rounds: int) -> list[Figure]:
    """Return what it costs to attach the second container of a network, with a port, and to detach it."""
    lab.host(_start, host, "plugged", {"network": [_NAME], "publish": ["8080:80"]}, "present")
    ours = _plugging(lab, host)
    with _netavark(place, beside) as theirs:
        samples = [(*_cost(ours), *_cost(theirs)) for _round in range(rounds + 1)][1:]
    wall, used, peer_wall, peer_used = medians(samples)
    what, peer = "attach + detach, one port", "netavark setup + teardown"
    return [
        Figure(f"{what}, CPU", used, peer, peer_used, rounds, 0.15),
        Figure(f"{what}, time", wall, peer, peer_wall, rounds, 0.3),
    ]


def _plugging(lab: Lab, host: Host) -> Callable[[], None]:
    """Return what gives a container its namespace, interface and port, and takes all of it back."""

    def plug() -> None:
        with host.open() as engine:
            with engine.database.reading() as connection:
                record = containers.by_name(connection, "plugged")
            wiring, container = connect.attached(engine, record), engine.layout.container(record.id)
            os.makedirs(os.path.dirname(container.netns), exist_ok=True)
            connect.make_namespaces(container, None, None)
            connect.connect(engine, record, wiring)
            connect.disconnect(engine, record, wiring)

    return lambda: lab.host(plug)


def _cost(act: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that pass, and those of a processor, in this process and in what it starts."""
    before = _used()
    took = seconds_of(act)
    return took, _used() - before


def _used() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


@contextmanager
def _netavark(place: Place, lab: Lab) -> Iterator[Callable[[], None]]:
    """Give what sets up and tears down the second container of a network; its namespace is there before."""
    directory = place.fresh("netavark")
    _run_netavark(lab, directory, "setup", "first", _request("first", 2, ()))
    request = _request("second", 3, ("8080",))
    lab.add("second")
    try:

        def plug() -> None:
            _run_netavark(lab, directory, "setup", "second", request)
            _run_netavark(lab, directory, "teardown", "second", request)

        yield plug
    finally:
        with undisturbed():
            _run_netavark(lab, directory, "teardown", "first", _request("first", 2, ()))


def _run_netavark(lab: Lab, directory: str, verb: str, name: str, request: str) -> None:
    if not netns.is_pinned(lab.path(name)):
        lab.add(name)
    argv = [_NETAVARK, "--config", directory, verb, lab.path(name)]
    lab.host(subprocess.run, argv, input=request.encode(), check=True, capture_output=True)


def _request(name: str, number: int, ports: tuple[str, ...]) -> str:
    """Return what netavark is told of a container (its README, "setup")."""
    network = {
        "name": _NAME,
        "id": "ab" * 32,
        "driver": "bridge",
        "network_interface": "nav0",
        "subnets": [{"subnet": "10.77.0.0/24", "gateway": "10.77.0.1"}],
        "ipv6_enabled": False,
        "internal": False,
        "dns_enabled": False,
        "ipam_options": {"driver": "host-local"},
    }
    mapped = [
        {"host_ip": "", "container_port": 80, "host_port": int(port), "range": 1, "protocol": "tcp"}
        for port in ports
    ]
    return json.dumps(
        {
            "container_id": name.ljust(64, "0"),
            "container_name": name,
            "networks": {_NAME: {"static_ips": [f"10.77.0.{number}"], "interface_name": "eth0"}},
            "network_info": {_NAME: network},
            "port_mappings": mapped,
        }
    )


# -- starts --------------------------------------------------------------------------------------


def _starts(lab: Lab, host: Host, rounds: int) -> list[Figure]:
    ways = {
        "bridge": {"network": [_NAME], "publish": ["8081:80"]},
        "none": {"network": ["none"]},
        "alone": {"publish": ["8082:80"]},
    }
    samples = [[lab.host(_started, host, way) for way in ways.values()] for _round in range(rounds + 1)][1:]
    bridge, none, alone = medians(samples)
    what, peer = "create + start, bridge and port", "the same with network: none"
    return [
        Figure(what, bridge, peer, none, rounds, 1.15),
        Figure("  the first of its network", alone, peer, none, rounds),
    ]


def _started(host: Host, options: Mapping[str, Any]) -> float:
    """Start a container that was not there, and remove it; seconds without opening the engine."""
    with host.open() as engine:
        begin = time.perf_counter()
        outcome = converge(engine, Request("ours", "started", _spec("ours", options)), exit_command)
        took = time.perf_counter() - begin
    monitor = Process.of(outcome.result["container"]["State"]["ConmonPid"])
    host.bring("ours", "absent")
    wait_gone(monitor)
    return took


# -- a play --------------------------------------------------------------------------------------


def _play(place: Place, lab: Lab, beside: Lab, host: Host) -> Figure:
    """Return the time of one play that makes and starts containers with a port each, against ``podman run`` in one."""
    options = {"image": IMAGE, "command": _COMMAND, "network": _NAME, "state": "started"}
    made = task(
        host, "container", name="many{{ item }}", publish=[f"{{{{ {_PORTS} + item }}}}:80"], **options
    )
    plays, loop = Plays(place), {"loop": [*range(_MANY)]}
    ours = lab.host(seconds_of, lambda: plays.run([{**made, **loop}]))
    top = Path(place.fresh("podman"))
    with podmannet.opened(beside, top, Path(place.disk, "app.tar"), driver="overlay") as podman:
        podman.run("network", "create", _NAME)
        words = ["run", "--detach", f"--publish={{{{ {_PORTS} + item }}}}:80", f"--network={_NAME}"]
        argv = podman.words(*words, *podmannet.COMMON, IMAGE, *_COMMAND)
        asked = {"ansible.builtin.command": {"argv": argv}, "environment": podman.variables, **loop}
        theirs = beside.host(seconds_of, lambda: plays.run([asked]))
    return Figure(f"a play that starts {_MANY} containers with ports", ours, "podman run in one", theirs, 1)
