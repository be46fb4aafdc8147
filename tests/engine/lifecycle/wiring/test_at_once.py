# SPDX-License-Identifier: GPL-3.0-or-later
"""Many containers that several processes start and remove at the same time in one network.

``SLIPWAY_NETWORKED=200`` (``make cycles``) sets their number; by default there are fewer, to keep the suite short.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dnsquestion import AAAA, answers

from _engine.kernel import mountinfo
from _engine.kernel.net import addresses, links, nft
from _engine.kernel.net.netlink import Netlink
from _engine.network import aardvark
from enginehost import eventually

pytestmark = pytest.mark.parametrize("runtime", ["runc"], indirect=True)

CONTAINERS = int(os.environ.get("SLIPWAY_NETWORKED", "24"))
PROCESSES = 8
GATEWAYS = ("10.96.0.1", "fd96::1")


def at_once(act: Callable[[str], object]) -> float:
    """Call the function for each container in several processes; return the seconds, or fail if one fails."""
    begin, pids = time.monotonic(), []
    for first in range(PROCESSES):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                for number in range(first, CONTAINERS, PROCESSES):
                    act(f"c{number}")
                code = 0
            finally:
                os._exit(code)
        pids.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0] * PROCESSES
    return time.monotonic() - begin


def kernel(host) -> dict[str, Any]:
    """Return the host's interfaces, addresses, routes, rules and pinned namespaces."""
    with Netlink() as netlink:
        found = {
            "links": [(link.name, link.kind) for link in links.listed(netlink)],
            "addresses": [item.address for item in addresses.listed(netlink)],
            "routes": sorted(map(str, addresses.routes(netlink))),
        }
    found["rules"] = nft._listed("list ruleset")
    found["namespaces"] = [entry.target for entry in mountinfo.below(host.top) if entry.fstype == "nsfs"]
    return found


def own(host, shape: dict[str, Any]) -> set[str]:
    """Return a container's addresses from the kernel, without loopback and link-local ones."""
    with Netlink(host.layout.container(shape["Id"]).netns) as netlink:
        listed = addresses.listed(netlink)
    found = {item.address.partition("/")[0] for item in listed}
    return {address for address in found if not address.startswith(("127.", "::1", "fe80:"))}


def hosts_file(host, shape: dict[str, Any]) -> dict[str, str]:
    """Return the IPv4 addresses of a container's /etc/hosts by name."""
    text = Path(host.layout.container(shape["Id"]).files, "hosts").read_text()
    lines = [line.split() for line in text.splitlines() if line.strip() and ":" not in line.split()[0]]
    return {name: address for address, *names in lines for name in names}


@pytest.mark.parametrize("served", [True, False], ids=["aardvark", "files"])
def test_many_at_once(host, served, need, request, capsys):
    """Containers started concurrently share no address, MAC or port, know each other, and leave nothing."""
    if served:
        need(aardvark.find(), "aardvark-dns")
    else:
        request.getfixturevalue("no_server")
    host.network("crowd", subnet=["10.96.0.0/22", "fd96::/64"])
    before = kernel(host), host.leftovers()
    how = {"network": ["crowd"], "publish": ["80"], "stop_timeout": 0}
    started = at_once(lambda name: host.start("sleep", "100000", name=name, **how))
    names = [f"c{number}" for number in range(CONTAINERS)]
    shapes = {name: host.inspect(name) for name in names}
    settings = {name: shape["NetworkSettings"] for name, shape in shapes.items()}
    for key in ("IPAddress", "GlobalIPv6Address", "MacAddress", "SandboxKey"):
        assert len({one[key] for one in settings.values()}) == CONTAINERS, key
    assert len({one["Ports"]["80/tcp"][0]["HostPort"] for one in settings.values()}) == CONTAINERS
    expected = {name: one["IPAddress"] for name, one in settings.items()}
    for name, shape in shapes.items():
        assert own(host, shape) == {settings[name]["IPAddress"], settings[name]["GlobalIPv6Address"]}
        if not served:
            assert expected.items() <= hosts_file(host, shape).items()
    if served:
        path = host.layout.container(shapes["c0"]["Id"]).netns
        assert {name: answers(path, name, GATEWAYS[0])[0] for name in names} == expected
        assert {name: answers(path, name, GATEWAYS[1], AAAA)[0] for name in names} == {
            name: one["GlobalIPv6Address"] for name, one in settings.items()
        }
    removed = at_once(lambda name: host.bring(name, "absent", stop_time=0))
    eventually(lambda: host.leftovers() == before[1], "as before", timeout=60)
    assert kernel(host) == before[0]
    with capsys.disabled():
        print(f"\n{CONTAINERS} containers: started in {started:.1f} s, removed in {removed:.1f} s")  # noqa: T201
